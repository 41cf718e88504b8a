import System

/// A violation of the SCP protocol by the client.
public struct SCPViolation: Error, Equatable, Sendable, CustomStringConvertible {
  /// For the client and the journal.
  public let description: String
  /// The client went away before the end.
  static let lost = SCPViolation("lost connection")
  /// The client went away before the end of a directory.
  static let lostInDirectory = SCPViolation("lost connection in a directory")

  init(_ description: String) { self.description = description }
}

/// A control line of the SCP protocol.
enum SCPRecord: Equatable, Sendable {
  /// `C0644 120 name`: a file, whose bytes follow.
  case file(SCPEntry)
  /// `D0755 0 name`: a directory; the records up to its `E` are inside.
  case directory(SCPEntry)
  /// `E`: the end of a directory.
  case end
  /// `T1700000000 0 1700000000 0`: modification and access times for the next record.
  case times(FileTimes)

  /// Parses a line without its newline.
  ///
  /// - Throws: `SCPViolation` when the line is malformed or its name is not a file name.
  init(_ line: ArraySlice<UInt8>) throws(SCPViolation) {
    let rest = line.dropFirst()
    switch line.first {
    case UInt8(ascii: "C"): self = .file(try SCPEntry(rest))
    case UInt8(ascii: "D"): self = .directory(try SCPEntry(rest))
    case UInt8(ascii: "T"): self = .times(try Self.times(rest))
    case UInt8(ascii: "E"):
      guard rest.isEmpty else { throw SCPViolation("the end of a directory has no more to say") }
      self = .end
    default: throw SCPViolation("expected control record")
    }
  }

  /// The line with its newline.
  var bytes: [UInt8] {
    switch self {
    case .file(let entry): Array("C".utf8) + entry.bytes
    case .directory(let entry): Array("D".utf8) + entry.bytes
    case .end: Array("E\n".utf8)
    case .times(let times):
      Array("T\(times.modification.seconds) 0 \(times.access.seconds) 0\n".utf8)
    }
  }

  private static func times(_ text: ArraySlice<UInt8>) throws(SCPViolation) -> FileTimes {
    let numbers = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map(decimal)
    guard numbers.count == 4 else { throw SCPViolation("expected four numbers as times") }
    guard let modified = numbers[0], let modifiedMicro = numbers[1], modifiedMicro < 1_000_000 else {
      throw SCPViolation("bad modification time")
    }
    guard let accessed = numbers[2], let accessedMicro = numbers[3], accessedMicro < 1_000_000 else {
      throw SCPViolation("bad access time")
    }
    return FileTimes(
      access: FileTime(seconds: accessed, nanoseconds: accessedMicro * 1000),
      modification: FileTime(seconds: modified, nanoseconds: modifiedMicro * 1000))
  }
}

/// A file or directory as a record describes it.
public struct SCPEntry: Equatable, Sendable {
  /// Permission bits, at most 0o7777.
  public var mode: UInt32
  /// Size in bytes; 0 for directories.
  public var size: UInt64
  /// One path component, neither `.` nor `..`; if it has a newline, it is sent as ``SCPName`` encodes it.
  public var name: [UInt8]

  init(mode: UInt32, size: UInt64, name: [UInt8]) {
    self.mode = mode
    self.size = size
    self.name = name
  }

  /// Parses `0644 120 name`.
  ///
  /// - Throws: `SCPViolation` when it is malformed.
  init(_ text: ArraySlice<UInt8>) throws(SCPViolation) {
    let parts = text.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
    guard let digits = parts.first, digits.count == 4, digits.allSatisfy({ (0x30...0x37).contains($0) }) else {
      throw SCPViolation("bad mode")
    }
    guard parts.count > 1 else { throw SCPViolation("mode not delimited") }
    guard let size = decimal(parts[1]) else { throw SCPViolation("size out of range") }
    guard parts.count > 2 else { throw SCPViolation("size not delimited") }
    guard Self.isName(parts[2]) else { throw SCPViolation("unexpected filename: \(shown(parts[2]))") }
    mode = digits.reduce(0) { $0 << 3 | UInt32($1 & 7) }
    self.size = UInt64(size)
    name = Array(parts[2])
  }

  /// True for a name that can be sent, and created by the receiver.
  static func isName(_ name: some Collection<UInt8>) -> Bool {
    !name.isEmpty && !name.elementsEqual([0x2e]) && !name.elementsEqual([0x2e, 0x2e])
      && !name.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }

  fileprivate var bytes: [UInt8] {
    let octal = String(mode & 0o7777, radix: 8)
    let padded = String(repeating: "0", count: max(0, 4 - octal.utf8.count)) + octal
    return Array("\(padded) \(size) ".utf8) + SCPName.line(name) + [UInt8(ascii: "\n")]
  }
}

/// Parses 1 to 19 decimal digits, at most `Int64.max`.
private func decimal(_ text: ArraySlice<UInt8>) -> Int64? {
  guard (1...19).contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
  return Int64(String(decoding: text, as: UTF8.self))
}

/// A name for a message of one line: control characters are replaced by `?`.
func shown(_ name: some Sequence<UInt8>) -> String {
  var text = ""
  for scalar in String(decoding: Array(name), as: UTF8.self).unicodeScalars {
    text.unicodeScalars.append(scalar.properties.generalCategory == .control ? "?" : scalar)
  }
  return text
}
