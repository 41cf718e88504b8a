import Authentication
import IPC
import System

/// The files of keys and of principals that a session process found in look-up mode.
struct LookedUpFiles {
  /// The most that all files of a user may have, in bytes.
  static let limit = KeyFile.totalLimit

  /// authorized_keys.
  private(set) var keys: [KeySearch.File] = []
  /// nil when it was not looked for, or could not be read.
  private(set) var principals: KeySearch.File?
  /// Why content was not used, for people.
  private(set) var problems: [String] = []

  /// Takes what `question` says from `content`, which must be sealed memory: nothing that its sender has a hand on, so
  /// that reading neither waits nor sees it change.
  init(_ question: KeyQuestion, content: Descriptor?) {
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
