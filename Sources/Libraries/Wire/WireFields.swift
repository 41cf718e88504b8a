/// A value with a single description of its fields, for writing, for reading, and for every other ``FieldCoder``.
public protocol WireFields: WireCodable {
  /// Sets each field to what the coder returns for it.
  ///
  /// - Parameter value: the value to write; nil when reading.
  /// - Throws: `Coder.Failure` when a field that is read is malformed or exceeds its limit.
  init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure)
}

extension WireFields {
  @inlinable
  public func encode(to writer: inout WireWriter) { _ = Self(fieldsOf: self, in: &writer) }

  @inlinable
  public init(from reader: inout WireReader) throws(WireError) { try self.init(fieldsOf: nil, in: &reader) }

  /// A value with empty fields: each number is 0 or the smallest allowed one, each choice the first.
  public static var blank: Self {
    var coder = BlankFields()
    return coder.value(nil)
  }
}

/// An enumeration of messages: the kind precedes the fields.
public protocol WireMessage: WireFields {
  /// A message of each kind with empty fields, in the order of ``wireKind``.
  static var blanks: [Self] { get }
  /// The number of the kind, from 1 without gaps.
  var wireKind: Int { get }
}

/// Leaves every field empty.
struct BlankFields: FieldCoder {
  mutating func kind(_ value: Int?, of count: Int) -> Int { 0 }

  mutating func number<Number: FixedWidthInteger>(_ value: Number?, in range: ClosedRange<Number>) -> Number {
    range.contains(0) ? 0 : range.lowerBound
  }

  mutating func bytes(_ value: [UInt8]?, length: ClosedRange<Int>) -> [UInt8] {
    [UInt8](repeating: 0, count: length.lowerBound)
  }

  mutating func text(_ value: String?, length: ClosedRange<Int>) -> String {
    String(repeating: " ", count: length.lowerBound)
  }

  mutating func secret(_ value: SecretBytes?, max: Int) -> SecretBytes { [] }
  mutating func count(_ value: Int?, max: Int) -> Int { 0 }
  mutating func require(_ condition: Bool) {}
}

extension WireWriter: FieldCoder {
  /// Calls `encode(to:)`, which the compiler specializes in the module of the value.
  @inlinable
  public mutating func value<Value: WireFields>(_ value: Value?) -> Value {
    let value = value ?? .blank
    value.encode(to: &self)
    return value
  }

  @inlinable
  public mutating func kind(_ value: Int?, of count: Int) -> Int {
    byte(UInt8(truncatingIfNeeded: value ?? 0))
    return value ?? 0
  }

  @inlinable
  public mutating func number<Number: FixedWidthInteger & Sendable>(
    _ value: Number?, in range: ClosedRange<Number>
  ) -> Number {
    let value = value ?? range.lowerBound
    switch Number.bitWidth {
    case 8: byte(UInt8(truncatingIfNeeded: value))
    case 32: uint32(UInt32(truncatingIfNeeded: value))
    case 64: uint64(UInt64(truncatingIfNeeded: value))
    default:
      for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
        byte(UInt8(truncatingIfNeeded: value >> shift))
      }
    }
    return value
  }

  @inlinable
  public mutating func bytes(_ value: [UInt8]?, length: ClosedRange<Int>) -> [UInt8] {
    string(value ?? [])
    return value ?? []
  }

  @inlinable
  public mutating func text(_ value: String?, length: ClosedRange<Int>) -> String {
    text(value ?? "")
    return value ?? ""
  }

  @inlinable
  public mutating func secret(_ value: SecretBytes?, max: Int) -> SecretBytes {
    string(value ?? [])
    return value ?? []
  }

  @inlinable
  public mutating func count(_ value: Int?, max: Int) -> Int {
    uint32(UInt32(value ?? 0))
    return value ?? 0
  }

  @inlinable
  public mutating func require(_ condition: Bool) {}
}

extension WireReader: FieldCoder {
  /// Calls `init(from:)`, which the compiler specializes in the module of the value.
  @inlinable
  public mutating func value<Value: WireFields>(_ value: Value?) throws(WireError) -> Value { try Value(from: &self) }

  @inlinable
  public mutating func kind(_ value: Int?, of count: Int) throws(WireError) -> Int {
    let kind = Int(try byte())
    guard kind < count else { throw .malformed }
    return kind
  }

  @inlinable
  public mutating func number<Number: FixedWidthInteger & Sendable>(
    _ value: Number?, in range: ClosedRange<Number>
  ) throws(WireError) -> Number {
    let number: Number =
      switch Number.bitWidth {
      case 8: Number(truncatingIfNeeded: try byte())
      case 32: Number(truncatingIfNeeded: try uint32())
      case 64: Number(truncatingIfNeeded: try uint64())
      default: try raw(Number.bitWidth / 8).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
      }
    guard range.contains(number) else { throw .malformed }
    return number
  }

  @inlinable
  public mutating func bytes(_ value: [UInt8]?, length: ClosedRange<Int>) throws(WireError) -> [UInt8] {
    let bytes = try string(limit: length.upperBound)
    guard bytes.count >= length.lowerBound else { throw .malformed }
    return Array(bytes)
  }

  @inlinable
  public mutating func text(_ value: String?, length: ClosedRange<Int>) throws(WireError) -> String {
    let text = try text(limit: length.upperBound)
    guard text.utf8.count >= length.lowerBound else { throw .malformed }
    return text
  }

  @inlinable
  public mutating func secret(_ value: SecretBytes?, max: Int) throws(WireError) -> SecretBytes {
    try secret(limit: max)
  }

  /// Every value has at least one byte, so there cannot be more values than bytes.
  @inlinable
  public mutating func count(_ value: Int?, max: Int) throws(WireError) -> Int {
    let number = Int(try uint32())
    guard number <= max, number <= count else { throw .tooLong }
    return number
  }

  @inlinable
  public mutating func require(_ condition: Bool) throws(WireError) {
    guard condition else { throw .malformed }
  }
}
