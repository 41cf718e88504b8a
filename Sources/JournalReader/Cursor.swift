import Audit

/// How far a receiver has a series of the journal, in a form that survives the process, the file's rotation and a journal that has
/// lost its last lines in a crash.
public struct Cursor: Equatable, Sendable {
  /// The last event that the receiver has, and some before it, newest first; empty: it has none.
  public private(set) var marks: [LineHead] = []
  /// Where the line of the newest mark begins, as long as its file is not compressed.
  public private(set) var place: Place?
  /// Whose it is: what the log calls the receiver. One line.
  public var receiver: String?
  /// Events up to this number the receiver has, or was never to have, or it was told that they are lost: when the journal
  /// does not have them any more, nothing is missing. nil: nothing is known.
  public var accounted: UInt64?
  /// The last event that the receiver took, as far as it says; what is after ``last`` may have to come again.
  public var accepted: UInt64?

  /// A line's place.
  public struct Place: Equatable, Sendable {
    public var device: UInt64
    public var inode: UInt64
    public var offset: UInt64

    public init(device: UInt64, inode: UInt64, offset: UInt64) {
      self.device = device
      self.inode = inode
      self.offset = offset
    }
  }

  /// Marks at most; the distances from the newest at least double every other time.
  static let markLimit = 64

  public init() {}

  /// The last event that the receiver has.
  public var last: LineHead? { marks.first }

  /// The receiver has everything up to this event.
  public mutating func advance(to head: LineHead, at place: Place?) {
    self.place = place
    // Of those that are about equally far back, the oldest is kept: it is the first to move on to the next distance.
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

  /// The journal does not have these marks any more: they never were, as far as it knows.
  public mutating func goBack(dropping count: Int) {
    marks.removeFirst(min(count, marks.count))
    place = nil
    accounted = nil
  }

  /// The newest mark's line is not where it was.
  public mutating func forgetPlace() { place = nil }

  // MARK: As text

  /// What a cursor's file holds.
  public var text: String {
    var text = "bssh-cursor 1\n"
    if let receiver { text += "receiver \(receiver)\n" }
    if let accounted { text += "accounted \(accounted)\n" }
    if let accepted { text += "accepted \(accepted)\n" }
    if let place { text += "place \(place.device) \(place.inode) \(place.offset)\n" }
    for mark in marks { text += "mark \(mark.sequence) \(mark.id)\n" }
    return text + "end\n"
  }

  /// Bytes that a cursor's file may have.
  public static let longest = 16 << 10

  /// Nil for what no cursor wrote, or what was cut.
  ///
  /// - Parameter series: whose cursor it is.
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

  /// The name of the file for an exporter: what it is called, with everything but letters, digits, `.` and `-` replaced,
  /// and a number that tells names apart that would look the same.
  public static func fileName(for exporter: String) -> String {
    let isPlain = { (byte: UInt8) in
      (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || byte == 0x2d
        || byte == 0x2e
    }
    let readable = exporter.utf8.prefix(80).map { isPlain($0) ? $0 : UInt8(ascii: "_") }
    // FNV-1a: a number of the whole name, the same in every process.
    let number = exporter.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(decoding: readable, as: UTF8.self) + "-" + String(number, radix: 16)
  }
}
