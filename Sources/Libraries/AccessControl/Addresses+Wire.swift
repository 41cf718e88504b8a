import Wire

extension IPAddress: WireCodable {
  /// `string` of 4 or 16 bytes.
  public func encode(to writer: inout WireWriter) { writer.string(bytes) }

  public init(from reader: inout WireReader) throws(WireError) {
    guard let address = IPAddress(bytes: try reader.string(limit: 16)) else { throw .malformed }
    self = address
  }
}

extension Ban: WireCodable {
  /// The first address of the source, the end as `uint64` in two's complement, the count as `uint32`.
  public func encode(to writer: inout WireWriter) {
    source.range.base.encode(to: &writer)
    writer.uint64(UInt64(bitPattern: end))
    writer.uint32(UInt32(clamping: count))
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let source = ClientSource(try IPAddress(from: &reader))
    let end = Int64(bitPattern: try reader.uint64())
    let count = try reader.uint32()
    guard count > 0, count <= Int32.max else { throw .malformed }
    self.init(source: source, end: end, count: Int(count))
  }
}

extension AddressRange: WireCodable {
  /// The first address, and the prefix length as `byte`.
  public func encode(to writer: inout WireWriter) {
    base.encode(to: &writer)
    writer.byte(UInt8(prefixLength))
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let address = try IPAddress(from: &reader)
    let length = Int(try reader.byte())
    self.init(around: address, prefixLength: length)
    guard base == address, prefixLength == length else { throw .malformed }
  }
}
