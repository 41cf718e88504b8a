import Glibc

/// The kind of a login shell, by its path. The raw values appear in messages between processes.
public enum LoginShell: UInt8, Equatable, Sendable {
  /// shells(5) lists it, or there is no such file.
  case listed = 0
  /// shells(5) does not list it: a program of the administrator's own, or git-shell(1).
  case unlisted = 1
  /// It lets nobody work: nologin(8) or false(1), by name in any directory, or a link to one of them.
  case none = 2

  /// The path of shells(5).
  public static let list = "/etc/shells"

  private static let closing: Set<String> = ["nologin", "false"]
  /// Files that count as nologin or false even when another name refers to them.
  public static let closingFiles = [
    "/usr/sbin/nologin", "/sbin/nologin", "/usr/bin/nologin", "/bin/nologin", "/usr/bin/false", "/bin/false",
  ]
  /// Limit of symbolic links that are followed. path_resolution(7)
  private static let linkLimit = 40

  /// Classifies the shell at `path`. May block on the file system.
  ///
  /// - Parameters:
  ///   - list: the path of shells(5).
  ///   - closingFiles: where nologin and false are.
  public init(
    _ path: String, list: String = LoginShell.list, closingFiles: [String] = LoginShell.closingFiles
  ) {
    if LoginShell.closes(path, closingFiles) {
      self = .none
    } else {
      self = LoginShell.isListed(path, in: list) ? .listed : .unlisted
    }
  }

  /// True when the path, a symbolic link on the way, or the final file is named nologin or false, or is the same file
  /// as one of `closingFiles`. A multi-call program such as busybox(1) is judged by name alone: that `false` is another
  /// name of it means nothing.
  private static func closes(_ path: String, _ closingFiles: [String]) -> Bool {
    var place = path
    for _ in 0..<linkLimit {
      if closing.contains(name(of: place)) { return true }
      guard let target = linkTarget(place) else { break }
      place = target.hasPrefix("/") ? target : directory(of: place) + "/" + target
    }
    guard let file = FileIdentity(of: path), file != FileIdentity(of: "/bin/sh") else { return false }
    return closingFiles.contains { file == FileIdentity(of: $0) }
  }

  private static func isListed(_ path: String, in list: String) -> Bool {
    guard let file = try? Descriptor.open(list, O_RDONLY | O_NONBLOCK | O_NOCTTY),
      let bytes = try? file.read(count: 1 << 20, at: 0)
    else { return true }
    return bytes.split(separator: UInt8(ascii: "\n")).contains { line in
      // As getusershell(3): from the first slash to a blank or a comment.
      let entry = line.drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "#") }
        .prefix { ![UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "#")].contains($0) }
      return !entry.isEmpty && entry.elementsEqual(path.utf8)
    }
  }

  private static func name(of path: String) -> String { String(path.split(separator: "/").last ?? "") }

  private static func directory(of path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
  }

  /// nil when it is no symbolic link, or cannot be read. readlink(2)
  private static func linkTarget(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let length = readlink(path, &buffer, buffer.count)
    guard length > 0, length < buffer.count else { return nil }
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
