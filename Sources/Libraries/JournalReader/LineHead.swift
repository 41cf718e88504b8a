import Audit

/// Identifies the event of a journal line.
///
/// The line is not parsed completely. This is safe because quotation marks in JSON strings are escaped, so that
/// `,"seq":` can only be the key.
public struct LineHead: Equatable, Sendable {
  /// The number in the series.
  public var sequence: UInt64
  /// The ID of the event.
  public var id: EventID
  /// The series; it is not part of the line.
  public var series: JournalSeries

  public init(sequence: UInt64, id: EventID, series: JournalSeries = .main) {
    self.sequence = sequence
    self.id = id
    self.series = series
  }

  /// nil if the text is not a journal line.
  public init?(_ line: ArraySlice<UInt8>, of series: JournalSeries = .main) {
    let start = Array("{\"id\":\"".utf8)
    guard line.starts(with: start), line.last == UInt8(ascii: "}") else { return nil }
    let idEnd = line.startIndex + start.count + 36
    guard idEnd < line.endIndex,
      let id = EventID(String(decoding: line[line.startIndex + start.count..<idEnd], as: UTF8.self)),
      let number = LineHead.number(after: Array(",\"seq\":".utf8), in: line[idEnd...])
    else { return nil }
    self.id = id
    sequence = number
    self.series = series
  }

  /// The time of a line's event in milliseconds since 1970; 0 if it does not follow the ID.
  public static func time(of line: ArraySlice<UInt8>) -> Int64 {
    let start = line.startIndex + "{\"id\":\"\",\"timestamp\":\"".utf8.count + 36
    guard start + 27 <= line.endIndex else { return 0 }
    return (Timestamp.microseconds(String(decoding: line[start..<start + 27], as: UTF8.self)) ?? 0) / 1000
  }

  private static func number(after key: [UInt8], in line: ArraySlice<UInt8>) -> UInt64? {
    var place = line.startIndex
    while let comma = line[place...].firstIndex(of: key[0]) {
      if line[comma...].starts(with: key) {
        let digits = line[(comma + key.count)...].prefix { (0x30...0x39).contains($0) }
        return digits.isEmpty || digits.count > 20 ? nil : UInt64(String(decoding: digits, as: UTF8.self))
      }
      place = comma + 1
    }
    return nil
  }
}
