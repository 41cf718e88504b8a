import Audit

/// The position of a receiver in one series of the journal. It remains usable after a restart, a rotation, and the loss
/// of the journal's last lines in a crash.
public struct Cursor: Equatable, Sendable {
  /// The last event that the receiver has, and some earlier ones, newest first; empty: none.
  public private(set) var marks: [LineHead] = []
  /// Where the line of the newest mark begins, while its file is not compressed; nil if unknown.
  public private(set) var place: Place?
  /// The name of the receiver in the log, in one line; nil if unknown.
  public var receiver: String?
  /// Up to this number, the receiver has the events, or was never meant to have them, or their loss was reported.
  /// Nothing is missing if the journal no longer has them. nil: unknown.
  public var accounted: UInt64?
  /// The last event that the receiver seems to have. Events after ``last`` may have to be sent again.
  public var accepted: UInt64?

  /// The position of a line.
  public struct Place: Equatable, Sendable {
    /// Device number of the file.
    public var device: UInt64
    /// Inode number of the file.
    public var inode: UInt64
    /// Bytes before the line.
    public var offset: UInt64

    public init(device: UInt64, inode: UInt64, offset: UInt64) {
      self.device = device
      self.inode = inode
      self.offset = offset
    }
  }

  /// Maximum number of marks. Their distances from the newest at least double with every second mark.
  static let markLimit = 64

  /// The position before the first event.
  public init() {}

  /// The last event that the receiver has; nil: none.
  public var last: LineHead? { marks.first }

  /// Records that the receiver has all events up to this one.
  public mutating func advance(to head: LineHead, at place: Place?) {
    self.place = place
    // Of several marks at about the same distance, the oldest is kept, because it reaches the next distance first.
    var kept: [LineHead] = []
    for mark in marks.reversed() where mark.sequence < head.sequence {
      let distance = (head.sequence - mark.sequence).bitWidth - (head.sequence - mark.sequence).leadingZeroBitCount
      if let older = kept.last {
        let other = head.sequence - older.sequence
        if other.bitWidth - other.leadingZeroBitCount == distance { continue }
      }
      kept.append(mark)
    }
    marks = [head] + kept.reversed().prefix(Self.markLimit - 1)
  }

  /// Drops the newest marks, which the journal no longer contains.
  public mutating func goBack(dropping count: Int) {
    marks.removeFirst(min(count, marks.count))
    place = nil
    accounted = nil
  }

  /// Forgets the position of the newest mark's line, because the line is not there any more.
  public mutating func forgetPlace() { place = nil }

  // MARK: Text form

  /// The content of a cursor file.
  public var text: String {
    var text = "bssh-cursor 1\n"
    if let receiver { text += "receiver \(receiver)\n" }
    if let accounted { text += "accounted \(accounted)\n" }
    if let accepted { text += "accepted \(accepted)\n" }
    if let place { text += "place \(place.device) \(place.inode) \(place.offset)\n" }
    for mark in marks { text += "mark \(mark.sequence) \(mark.id)\n" }
    return text + "end\n"
  }

  /// Maximum size of a cursor file in bytes.
  public static let sizeLimit = 16 << 10

  /// Parses a cursor file; nil if it is invalid or truncated.
  ///
  /// - Parameter series: the series that the cursor is about.
  public init?(_ bytes: [UInt8], of series: JournalSeries = .main) {
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
    guard lines.popLast() == "", lines.popLast() == "end", lines.first == "bssh-cursor 1" else { return nil }
    for line in lines.dropFirst() {
      let words = line.split(separator: " ", omittingEmptySubsequences: false)
      switch (words.first, words.count) {
      case ("receiver", 2...):
        guard receiver == nil, place == nil, marks.isEmpty else { return nil }
        receiver = String(line.dropFirst("receiver ".count))
      case ("accounted", 2):
        guard let number = UInt64(words[1]), accounted == nil, place == nil, marks.isEmpty else { return nil }
        accounted = number
      case ("accepted", 2):
        guard let number = UInt64(words[1]), accepted == nil, place == nil, marks.isEmpty else { return nil }
        accepted = number
      case ("place", 4):
        guard let device = UInt64(words[1]), let inode = UInt64(words[2]), let offset = UInt64(words[3]),
          place == nil, marks.isEmpty
        else { return nil }
        place = Place(device: device, inode: inode, offset: offset)
      case ("mark", 3):
        guard let sequence = UInt64(words[1]), let id = EventID(words[2]), marks.count < Self.markLimit,
          marks.last.map({ $0.sequence > sequence }) ?? true
        else { return nil }
        marks.append(LineHead(sequence: sequence, id: id, series: series))
      default: return nil
      }
    }
  }

  /// The name of the cursor file for an exporter: the exporter's name, with everything but letters, digits, `.` and `-`
  /// replaced, and a hash that distinguishes names which would look the same.
  public static func fileName(for exporter: String) -> String {
    let isPlain = { (byte: UInt8) in
      (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || byte == 0x2d
        || byte == 0x2e
    }
    let readable = exporter.utf8.prefix(80).map { isPlain($0) ? $0 : UInt8(ascii: "_") }
    // FNV-1a of the whole name, which is the same in every process.
    let number = exporter.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(decoding: readable, as: UTF8.self) + "-" + String(number, radix: 16)
  }
}
