/// Where a series of a journal begins and ends, as the journal itself says it in a file beside its own.
///
/// A line is proved by the next one, and the last by this: so it shows when lines are missing at either end.
public struct ChainHead: Equatable, Sendable {
  /// Bytes of the file: always the same, so that it is overwritten in one write.
  public static let size = 192

  /// The number of the oldest line that has to be there: those before it were removed by rotation.
  public var first: UInt64
  /// The number of the last line; 0: there is none.
  public var last: UInt64
  /// The hash of the last line.
  public var hash: LineHash
  /// Bytes of the file that the last line is in, up to its end; 0: that file has no line yet.
  public var size: UInt64
  /// When rotation removed lines last, in microseconds from 1970 on; 0: never, or it is not known.
  public var removed: Int64
  /// True when it was written by a version whose journals had one series.
  public private(set) var isOfOneSeries = false

  /// The head of a journal without lines.
  public init() { (first, last, hash, size, removed) = (1, 0, .none, 0, 0) }

  public init(first: UInt64, last: UInt64, hash: LineHash, size: UInt64 = 0, removed: Int64 = 0) {
    (self.first, self.last, self.hash, self.size, self.removed) = (first, last, hash, size, removed)
  }

  /// The content of the file: a JSON object, filled with spaces to ``size``.
  public var json: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(contentsOf: "{\"first\":".utf8)
    JSONText.append(first, to: &bytes)
    bytes.append(contentsOf: ",\"last\":".utf8)
    JSONText.append(last, to: &bytes)
    bytes.append(contentsOf: ",\"hash\":\"\(hash)\",\"size\":".utf8)
    JSONText.append(size, to: &bytes)
    bytes.append(contentsOf: ",\"removed\":".utf8)
    // At most 16 digits: until the year 2286.
    JSONText.append(UInt64(clamping: min(removed, 9_999_999_999_999_999)), to: &bytes)
    bytes.append(UInt8(ascii: "}"))
    bytes.append(contentsOf: [UInt8](repeating: UInt8(ascii: " "), count: Self.size - 1 - bytes.count))
    return bytes + [UInt8(ascii: "\n")]
  }

  /// Reads the content of the file; nil when it is something else.
  public init?(json: ArraySlice<UInt8>) {
    var reader = JSONReader(json)
    guard json.count == Self.size, reader.takeKey("first", isFirst: true), let first = reader.number(),
      reader.takeKey("last", isFirst: false), let last = reader.number(), reader.takeKey("hash", isFirst: false),
      let text = reader.text(), let hash = LineHash(text), reader.takeKey("size", isFirst: false),
      let size = reader.number()
    else { return nil }
    var removed: UInt64?
    if reader.takeKey("removed", isFirst: false) {
      removed = reader.number()
      guard removed != nil else { return nil }
    }
    guard reader.take("}") else { return nil }
    while reader.take(" ") {}
    guard reader.take("\n"), reader.isAtEnd, first >= 1, first - 1 <= last else { return nil }
    self.init(first: first, last: last, hash: hash, size: size, removed: Int64(clamping: removed ?? 0))
    isOfOneSeries = removed == nil
  }
}
