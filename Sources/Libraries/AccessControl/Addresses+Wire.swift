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

extension AddressRange: WireFields {
  /// The first address, and a byte for the length of the prefix.
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    let address: IPAddress = try coder.value(value?.base)
    let length: UInt8 = try coder.number(value.map { UInt8($0.prefixLength) })
    self.init(around: address, prefixLength: Int(length))
    try coder.require(base == address && prefixLength == length)
  }
}
