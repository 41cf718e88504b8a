import Audit

/// What an exporter must know of a line of the journal before it can be sent: which event it is.
///
/// Found without reading all of the JSON. That is safe: within a string a quotation mark has a backslash before it, so
/// `,"seq":` can be nothing but the key.
public struct LineHead: Equatable, Sendable {
  public var sequence: UInt64
  public var id: EventID
  /// In which its number is; the line does not say it.
  public var series: JournalSeries

  public init(sequence: UInt64, id: EventID, series: JournalSeries = .main) {
    self.sequence = sequence
    self.id = id
    self.series = series
  }

  /// Nil for what is no line of a journal.
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
