import Wire

extension IPAddress: WireCodable {
  /// `string` of 4 or 16 bytes.
  public func encode(to writer: inout WireWriter) { writer.string(bytes) }

  public init(from reader: inout WireReader) throws(WireError) {
    guard let address = IPAddress(bytes: try reader.string(limit: 16)) else { throw .malformed }
    self = address
  }
}

extension AddressRange: WireCodable {
  /// The first address, and `byte` for the length of the prefix.
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
