import AccessControl
import Glibc
import System

/// The format of `security.ban_state_file`: a line for each ban, with its source, its end in seconds since 1970, and
/// its number in a row of bans; and a last line with the number of bans, so that a truncated file is detected.
enum BanFile {
  /// Limit for the file in bytes: enough for the maximum number of bans.
  static let sizeLimit = 8 << 20

  /// Why a file is not used.
  struct Damage: Error, Equatable {
    var line: Int
    var reason: String
  }

  /// The contents of the file; `now` and the ends of bans are in milliseconds since 1970, ``Ban/end`` is relative to
  /// `now`.
  static func text(_ bans: [Ban], at now: Int64) -> String {
    var text = "# Bans of bssh-server, which writes this file: SOURCE END COUNT. Only change it while no daemon runs.\n"
    for ban in bans { text += "\(ban.source) \(seconds(now + ban.end)) \(ban.count)\n" }
    return text + "end \(bans.count)\n"
  }

  /// The bans in these contents; ``Ban/end`` is relative to `now`, which is in milliseconds since 1970.
  ///
  /// - Throws: ``Damage`` for a malformed line, a wrong number of bans, or a missing last line.
  static func parse(_ bytes: [UInt8], at now: Int64) throws(Damage) -> [Ban] {
    var bans: [Ban] = []
    var end: Int?
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
      guard end == nil else { throw Damage(line: index + 1, reason: "data follows the last line") }
      let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
      if words.count == 2, words[0] == "end", let count = Int(words[1]) {
        guard count == bans.count else {
          throw Damage(line: index + 1, reason: "there are \(bans.count) bans, not \(count)")
        }
        end = count
        continue
      }
      guard bans.count < SourceTable.capacity, let ban = ban(words, at: now) else {
        throw Damage(line: index + 1, reason: "not a ban in the form 'SOURCE END COUNT'")
      }
      bans.append(ban)
    }
    guard end != nil else { throw Damage(line: lines.count, reason: "the last line is missing") }
    return bans
  }

  private static func ban(_ words: [String], at now: Int64) -> Ban? {
    guard words.count == 3, let range = try? AddressRange(words[0]), let end = milliseconds(words[1]),
      let count = Int32(words[2]), count > 0
    else { return nil }
    let source = ClientSource(range.base)
    // A single IPv6 address, as an administrator may write it, stands for its source.
    guard source.range == range || range == AddressRange(range.base) else { return nil }
    let (left, isTooLong) = end.subtractingReportingOverflow(now)
    return isTooLong ? nil : Ban(source: source, end: left, count: Int(count))
  }

  /// `1795290605.123`, as date(1) accepts it after `@`.
  private static func seconds(_ milliseconds: Int64) -> String {
    let milliseconds = max(milliseconds, 0)
    let rest = "\(milliseconds % 1000)"
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
  }

  private static func milliseconds(_ text: String) -> Int64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].utf8.count == 3, (1...15).contains(parts[0].utf8.count),
      parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      let whole = Int64(parts[0]), let rest = Int64(parts[1])
    else { return nil }
    return whole * 1000 + rest
  }
}

extension BanFile {
  /// The result of reading a file.
  enum Content {
    /// The file does not exist.
    case none
    case bans([Ban])
    /// The file is not used; the text is for the user.
    case unusable(line: Int?, String)
  }

  /// Reads the file.
  static func read(_ path: String) -> Content {
    let bytes: [UInt8]
    do throws(RegularFile.Unreadable) {
      let file = try RegularFile(path)
      if let distrust = file.distrust { return .unusable(line: nil, "others can have written it: \(distrust)") }
      bytes = try file.bytes(limit: sizeLimit)
    } catch {
      return [ENOENT, ENOTDIR].contains(error.code) ? .none : .unusable(line: nil, error.reason)
    }
    do throws(Damage) { return .bans(try parse(bytes, at: Clock.microsecondsSince1970 / 1000)) } catch {
      return .unusable(line: error.line, "damaged: \(error.reason)")
    }
  }

  /// Replaces the file atomically; it is on the disk when this returns. Creates its directory, with access for the
  /// owner only.
  ///
  /// - Throws: `SystemError` of the first call that fails; the previous file is then unchanged.
  static func write(_ bans: [Ban], to path: String) throws(SystemError) {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    let folder = path[..<slash].isEmpty ? "/" : String(path[..<slash])
    let name = Array(path[path.index(after: slash)...].utf8)
    let directory = try open(folder)
    let new = name + Array(".new".utf8)
    // Left over from a daemon that ended while it wrote.
    try? directory.removeFile(new)
    let file = try directory.makeFile(new, .write, mode: 0o600)
    try file.writeAll(Array(text(bans, at: Clock.microsecondsSince1970 / 1000).utf8))
    try file.synchronize()
    try directory.rename(new, to: directory, name)
    try directory.synchronize()
  }

  private static func open(_ folder: String) throws(SystemError) -> Descriptor {
    guard let directory = try ServiceDirectory.open(folder, missing: .make(mode: 0o700, owner: nil)) else {
      throw SystemError("open \(folder)", code: ENOENT)
    }
    return directory
  }
}
