import AccessControl
import Glibc
import System

/// The text of `security.ban_state_file`: a line for each ban, with its source, its end in seconds since 1970, and how many
/// bans in a row it is; and a last line with their number, so that a file that was cut is no file.
enum BanFile {
  /// Bytes that a file may have: enough for as many bans as there can be.
  static let sizeLimit = 8 << 20

  /// Why a file is not used.
  struct Damage: Error, Equatable {
    var line: Int
    var reason: String
  }

  /// The text at a time in milliseconds since 1970; ``Ban/end`` counts from then.
  static func text(_ bans: [Ban], at now: Int64) -> String {
    var text = "# Bans of bssh-server, which writes this file: SOURCE END COUNT. Change it while no daemon runs.\n"
    for ban in bans { text += "\(ban.source) \(seconds(now + ban.end)) \(ban.count)\n" }
    return text + "end \(bans.count)\n"
  }

  /// The bans of a text, ``Ban/end`` counted from `now`, milliseconds since 1970.
  static func parse(_ bytes: [UInt8], at now: Int64) throws(Damage) -> [Ban] {
    var bans: [Ban] = []
    var end: Int?
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
      guard end == nil else { throw Damage(line: index + 1, reason: "something follows the last line") }
      let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
      if words.count == 2, words[0] == "end", let count = Int(words[1]) {
        guard count == bans.count else {
          throw Damage(line: index + 1, reason: "there are \(bans.count) bans, and not \(count)")
        }
        end = count
        continue
      }
      guard bans.count < SourceTable.capacity, let ban = ban(words, at: now) else {
        throw Damage(line: index + 1, reason: "no ban in the form 'SOURCE END COUNT'")
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
    // One address of IPv6 alone, as a person may write it, stands for its source.
    guard source.range == range || range == AddressRange(range.base) else { return nil }
    let (left, isTooLong) = end.subtractingReportingOverflow(now)
    return isTooLong ? nil : Ban(source: source, end: left, count: Int(count))
  }

  /// `1795290605.123`, as date(1) reads it behind `@`.
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
  /// What became of reading a file.
  enum Content {
    /// There is none.
    case none
    case bans([Ban])
    /// It is not used; for people.
    case unusable(line: Int?, String)
  }

  /// Reads the file, as it is now.
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

  /// Writes the file so that there is always a whole one, and it is on the disk when this returns. Makes its directory,
  /// for us alone.
  static func write(_ bans: [Ban], to path: String) throws(SystemError) {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    let folder = path[..<slash].isEmpty ? "/" : String(path[..<slash])
    let name = Array(path[path.index(after: slash)...].utf8)
    let directory = try open(folder)
    let new = name + Array(".new".utf8)
    // What a daemon left that was ended while it wrote.
    try? directory.removeFile(new)
    let file = try directory.makeFile(new, .write, mode: 0o600)
    try file.writeAll(Array(text(bans, at: Clock.microsecondsSince1970 / 1000).utf8))
    try file.synchronize()
    try directory.rename(new, to: directory, name)
    try directory.synchronize()
  }

  private static func open(_ folder: String) throws(SystemError) -> Descriptor {
    guard let directory = try OwnedDirectory.open(folder, missing: .make(mode: 0o700, owner: nil)) else {
      throw SystemError("open \(folder)", code: ENOENT)
    }
    return directory
  }
}
