import Glibc

/// What kind of program a login shell is, by its path; the numbers are those of messages.
public enum LoginShell: UInt8, Equatable, Sendable {
  /// shells(5) lists it, or there is no such list.
  case listed = 0
  /// shells(5) does not: something of the administrator's own, or git-shell(1).
  case unlisted = 1
  /// It lets nobody work: nologin(8) or false(1), under this name in whatever directory, or a link to one of them.
  case none = 2

  /// Where shells(5) stands.
  public static let list = "/etc/shells"

  private static let closing: Set<String> = ["nologin", "false"]
  /// Where they are when a file with another name may be one of them.
  public static let closingFiles = [
    "/usr/sbin/nologin", "/sbin/nologin", "/usr/bin/nologin", "/bin/nologin", "/usr/bin/false", "/bin/false",
  ]
  /// Symbolic links, one leading to the other. path_resolution(7)
  private static let linkLimit = 40

  /// Looks at the file and the list. `closingFiles`: where nologin and false are.
  public init(
    _ path: String, list: String = LoginShell.list, closingFiles: [String] = LoginShell.closingFiles
  ) {
    if LoginShell.closes(path, closingFiles) {
      self = .none
    } else {
      self = LoginShell.isListed(path, in: list) ? .listed : .unlisted
    }
  }

  /// True when the path, or a link that it leads to, or the file at the end is called nologin or false; or when it is a
  /// second name of such a file. A program that is many, as busybox(1), is what it is called: that another name of it is
  /// `false` says nothing.
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
      // As getusershell(3): from the first slash on, up to a blank or a comment.
      let entry = line.drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "#") }
        .prefix { ![UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "#")].contains($0) }
      return !entry.isEmpty && entry.elementsEqual(path.utf8)
    }
  }

  private static func name(of path: String) -> String { String(path.split(separator: "/").last ?? "") }

  private static func directory(of path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
  }

  /// nil: it is no link, or none that can be read. readlink(2)
  private static func linkTarget(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let length = readlink(path, &buffer, buffer.count)
    guard length > 0, length < buffer.count else { return nil }
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
