import Authentication
import IPC
import System

/// The key files and the principals file that a session process has read.
struct FetchedKeyFiles {
  /// Maximum total size of a user's files in bytes.
  static let limit = KeyFile.totalLimit

  /// The authorized_keys files.
  private(set) var keys: [KeySearch.File] = []
  /// The principals file; nil if it was not requested or could not be read.
  private(set) var principals: KeySearch.File?
  /// Why content was not used, as text for people.
  private(set) var problems: [String] = []

  /// Takes the files that `question` describes from `content`. This must be sealed memory, so that reading never blocks
  /// and the sender cannot change it any more.
  init(_ question: KeyVerificationRequest, content: Descriptor?) {
    let files = question.files + (question.principals.map { [$0] } ?? [])
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
    for file in question.files { keys.append(Self.take(file, from: &rest)) }
    if let file = question.principals, file.problem == nil { principals = Self.take(file, from: &rest) }
  }

  private static func take(_ file: KeyFile, from rest: inout ArraySlice<UInt8>) -> KeySearch.File {
    defer { rest = rest.dropFirst(Int(file.length)) }
    return KeySearch.File(name: file.path, content: rest.prefix(Int(file.length)))
  }
}
