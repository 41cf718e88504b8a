/// The first and last number of a journal series, stored in a file beside the journal.
///
/// Each line is verified by the next one and the last line by the head, so that missing lines at either end are
/// detected.
public struct ChainHead: Equatable, Sendable {
  /// Size of the file in bytes. It is constant, so that the file is overwritten in a single write.
  public static let size = 192

  /// The number of the oldest line that must be present; rotation has removed earlier ones.
  public var first: UInt64
  /// The number of the last line; 0 if there is none.
  public var last: UInt64
  /// The hash of the last line.
  public var hash: LineHash
  /// Size in bytes of the file that is written, up to the end of the last line; 0 if that file has no line.
  public var size: UInt64
  /// When rotation last removed lines, in microseconds since 1970; 0 if never or unknown.
  public var removed: Int64
  /// True if the head was written by a version whose journals had a single series.
  public private(set) var isOfOneSeries = false

  /// The head of an empty journal.
  public init() { (first, last, hash, size, removed) = (1, 0, .none, 0, 0) }

  public init(first: UInt64, last: UInt64, hash: LineHash, size: UInt64 = 0, removed: Int64 = 0) {
    (self.first, self.last, self.hash, self.size, self.removed) = (first, last, hash, size, removed)
  }

  /// The content of the file: a JSON object, padded with spaces to ``size``.
  public var json: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(contentsOf: "{\"first\":".utf8)
    JSONText.append(first, to: &bytes)
    bytes.append(contentsOf: ",\"last\":".utf8)
    JSONText.append(last, to: &bytes)
    bytes.append(contentsOf: ",\"hash\":\"\(hash)\",\"size\":".utf8)
    JSONText.append(size, to: &bytes)
    bytes.append(contentsOf: ",\"removed\":".utf8)
    // At most 16 digits, which suffice until the year 2286.
    JSONText.append(UInt64(clamping: min(removed, 9_999_999_999_999_999)), to: &bytes)
    bytes.append(UInt8(ascii: "}"))
    bytes.append(contentsOf: [UInt8](repeating: UInt8(ascii: " "), count: Self.size - 1 - bytes.count))
    return bytes + [UInt8(ascii: "\n")]
  }

  /// Parses the content of the file; nil if it is invalid.
  public init?(json: ArraySlice<UInt8>) {
    var reader = JSONReader(json)
    guard json.count == Self.size, reader.consumeKey("first", isFirst: true), let first = reader.number(),
      reader.consumeKey("last", isFirst: false), let last = reader.number(), reader.consumeKey("hash", isFirst: false),
      let text = reader.text(), let hash = LineHash(text), reader.consumeKey("size", isFirst: false),
      let size = reader.number()
    else { return nil }
    var removed: UInt64?
    if reader.consumeKey("removed", isFirst: false) {
      removed = reader.number()
      guard removed != nil else { return nil }
    }
    guard reader.consume("}") else { return nil }
    while reader.consume(" ") {}
    guard reader.consume("\n"), reader.isAtEnd, first >= 1, first - 1 <= last else { return nil }
    self.init(first: first, last: last, hash: hash, size: size, removed: Int64(clamping: removed ?? 0))
    isOfOneSeries = removed == nil
  }
}
