import Wire

extension IPAddress: WireFields {
  /// 4 or 16 bytes.
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    let address = IPAddress(bytes: try coder.bytes(value?.bytes, length: 4...16))
    try coder.require(address != nil)
    self = address ?? .unspecified
  }
}

extension Ban: WireFields {
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    source = ClientSource(try coder.value(value?.source.range.base))
    end = try coder.number(value?.end)
    count = Int(try coder.number(value.map { Int32(clamping: $0.count) }, in: 1 ... .max))
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
