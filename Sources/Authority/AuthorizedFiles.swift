import Authentication
import IPC
import System

/// The authorized_keys files that a session process found in look-up mode.
struct AuthorizedFiles {
  /// The most that all files of a user may have, in bytes.
  static let limit = 16 << 20

  private var files: [(path: String, content: ArraySlice<UInt8>)] = []
  /// Why content was not used, for people.
  private(set) var problems: [String] = []

  /// Reads what `files` says from `content`, which must be sealed memory: nothing that its sender has a hand on, so
  /// that reading neither waits nor sees it change.
  init(_ files: [KeyFile], content: Descriptor?) {
    let total = files.reduce(0) { $0 + Int($1.length) }
    guard total > 0, let content else { return }
    guard content.isSealedMemory else {
      problems = ["the authorized_keys came in a file that can still change: not used"]
      return
    }
    guard total <= Self.limit else {
      problems = ["the authorized_keys files have more than \(Self.limit) bytes: not used"]
      return
    }
    guard let bytes = try? content.read(count: total, at: 0), bytes.count == total else {
      problems = ["the authorized_keys came cut short: not used"]
      return
    }
    var rest = bytes[...]
    for file in files {
      self.files.append((file.path, rest.prefix(Int(file.length))))
      rest = rest.dropFirst(Int(file.length))
    }
  }

  /// Looks for the key in every file; `warn` gets each line that was refused on the way.
  func contains(_ blob: [UInt8], warn: (String) -> Void) -> Bool {
    files.contains { AuthorizedKeys.contains(blob, in: $0.content, path: $0.path, warn: warn) }
  }
}
