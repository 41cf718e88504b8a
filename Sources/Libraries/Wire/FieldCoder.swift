/// Visits the fields of a ``WireFields`` value in wire order.
///
/// Each function receives the current value of a field and returns its new value. A coder that writes is given a value
/// and returns it. A coder that reads is given nil, or the field of a blank message, and returns what it has read. Thus
/// one description of the fields serves both directions, and a description that omits a field does not compile.
public protocol FieldCoder {
  /// Why a field is refused; `Never` for a coder that writes.
  associatedtype Failure: Error

  /// An index below `count`, in one byte.
  ///
  /// - Throws: `Failure` when what is read is no such index.
  mutating func kind(_ value: Int?, of count: Int) throws(Failure) -> Int
  /// A number in two's complement, most significant byte first, in as many bytes as its type has.
  ///
  /// - Throws: `Failure` when what is read is not in `range`.
  mutating func number<Number: FixedWidthInteger & Sendable>(
    _ value: Number?, in range: ClosedRange<Number>
  ) throws(Failure) -> Number
  /// Bytes, preceded by their number as `uint32`.
  ///
  /// - Throws: `Failure` when what is read has another length.
  mutating func bytes(_ value: [UInt8]?, length: ClosedRange<Int>) throws(Failure) -> [UInt8]
  /// Bytes of UTF-8 without NUL, preceded by their number as `uint32`.
  ///
  /// - Throws: `Failure` when what is read has another length, or is no such text.
  mutating func text(_ value: String?, length: ClosedRange<Int>) throws(Failure) -> String
  /// At most `max` secret bytes, preceded by their number as `uint32`. ``SecretBytes`` overwrites them after use.
  ///
  /// - Throws: `Failure` when what is read is longer.
  mutating func secret(_ value: SecretBytes?, max: Int) throws(Failure) -> SecretBytes
  /// The number of values that follow, as `uint32`.
  ///
  /// - Throws: `Failure` when what is read exceeds `max`, or the number of bytes that follow.
  mutating func count(_ value: Int?, max: Int) throws(Failure) -> Int
  /// Checks a condition between fields. A coder that writes checks nothing.
  ///
  /// - Throws: `Failure` when the condition is false.
  mutating func require(_ condition: Bool) throws(Failure)
  /// The fields of a nested value.
  ///
  /// - Throws: `Failure` when one of its fields is refused.
  mutating func value<Value: WireFields>(_ value: Value?) throws(Failure) -> Value
  /// The kind of a message. A coder that writes returns the message itself, one that reads a blank message of the kind
  /// that it has read; the description of a message switches over the result.
  ///
  /// - Throws: `Failure` when what is read is no kind of this message.
  mutating func message<Message: WireMessage>(_ value: Message?) throws(Failure) -> Message
  /// A truth value, in one byte.
  ///
  /// - Throws: `Failure` when what is read is neither 0 nor 1.
  mutating func flag(_ value: Bool?) throws(Failure) -> Bool
  /// One of the cases of a type, as its index among them.
  ///
  /// - Throws: `Failure` when what is read is no such index.
  mutating func choice<Choice: CaseIterable & Equatable>(
    _ value: Choice?
  ) throws(Failure) -> Choice where Choice.AllCases == [Choice]
}

extension FieldCoder {
  /// The fields of a nested value.
  ///
  /// - Throws: `Failure` when one of its fields is refused.
  @inlinable
  public mutating func value<Value: WireFields>(_ value: Value?) throws(Failure) -> Value {
    try Value(fieldsOf: value, in: &self)
  }

  /// The kind of a message, counted from 1.
  ///
  /// - Throws: `Failure` when what is read is no kind of this message.
  @inlinable
  public mutating func message<Message: WireMessage>(_ value: Message?) throws(Failure) -> Message {
    let blanks = Message.blanks
    let kind = try kind(value?.wireKind, of: blanks.count + 1)
    try require(kind > 0)
    return value ?? blanks[max(kind, 1) - 1]
  }

  /// A truth value: 0 or 1.
  ///
  /// - Throws: `Failure` when what is read is neither.
  @inlinable
  public mutating func flag(_ value: Bool?) throws(Failure) -> Bool {
    try kind(value.map { $0 ? 1 : 0 }, of: 2) == 1
  }

  /// One of the cases of a type, as its index among them.
  ///
  /// - Throws: `Failure` when what is read is no such index.
  @inlinable
  public mutating func choice<Choice: CaseIterable & Equatable>(
    _ value: Choice?
  ) throws(Failure) -> Choice where Choice.AllCases == [Choice] {
    let all = Choice.allCases
    return all[try kind(value.flatMap { all.firstIndex(of: $0) }, of: all.count)]
  }

  /// Any number of its type.
  ///
  /// - Throws: `Failure` when the message is too short.
  @inlinable
  public mutating func number<Number: FixedWidthInteger & Sendable>(_ value: Number?) throws(Failure) -> Number {
    try number(value, in: .min ... .max)
  }

  /// At most `max` bytes, preceded by their number as `uint32`.
  ///
  /// - Throws: `Failure` when what is read is longer.
  @inlinable
  public mutating func bytes(_ value: [UInt8]?, max: Int) throws(Failure) -> [UInt8] {
    try bytes(value, length: 0...max)
  }

  /// At most `max` bytes of UTF-8 without NUL, preceded by their number as `uint32`.
  ///
  /// - Throws: `Failure` when what is read is longer, or no such text.
  @inlinable
  public mutating func text(_ value: String?, max: Int) throws(Failure) -> String {
    try text(value, length: 0...max)
  }
}

// Fields that may be absent: a flag, and the field if it is present.

extension FieldCoder {
  @inlinable
  mutating func optional<Value>(
    _ value: Value?, _ code: (inout Self, Value?) throws(Failure) -> Value
  ) throws(Failure) -> Value? {
    try flag(value != nil) ? try code(&self, value) : nil
  }

  /// A nested value that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func value<Value: WireFields>(_ value: Value?) throws(Failure) -> Value? {
    try optional(value) { (coder: inout Self, value: Value?) throws(Failure) in try coder.value(value) }
  }

  /// A number that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func number<Number: FixedWidthInteger & Sendable>(
    _ value: Number?, in range: ClosedRange<Number>
  ) throws(Failure) -> Number? {
    try optional(value) { (coder: inout Self, value: Number?) throws(Failure) in try coder.number(value, in: range) }
  }

  /// A number that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func number<Number: FixedWidthInteger & Sendable>(_ value: Number?) throws(Failure) -> Number? {
    try number(value, in: .min ... .max)
  }

  /// A case that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func choice<Choice: CaseIterable & Equatable>(
    _ value: Choice?
  ) throws(Failure) -> Choice? where Choice.AllCases == [Choice] {
    try optional(value) { (coder: inout Self, value: Choice?) throws(Failure) in try coder.choice(value) }
  }

  /// Bytes that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func bytes(_ value: [UInt8]?, max: Int) throws(Failure) -> [UInt8]? {
    try optional(value) { (coder: inout Self, value: [UInt8]?) throws(Failure) in try coder.bytes(value, max: max) }
  }

  /// A text that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func text(_ value: String?, length: ClosedRange<Int>) throws(Failure) -> String? {
    try optional(value) { (coder: inout Self, value: String?) throws(Failure) in try coder.text(value, length: length) }
  }

  /// A text of at most `max` bytes that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func text(_ value: String?, max: Int) throws(Failure) -> String? {
    try text(value, length: 0...max)
  }

  /// A secret that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func secret(_ value: SecretBytes?, max: Int) throws(Failure) -> SecretBytes? {
    try optional(value) { (coder: inout Self, value: SecretBytes?) throws(Failure) in
      try coder.secret(value, max: max)
    }
  }

  /// A list that may be absent.
  ///
  /// - Throws: `Failure` when the flag or the field is refused.
  @inlinable
  public mutating func list<Value: WireFields>(_ values: [Value]?, max: Int) throws(Failure) -> [Value]? {
    try optional(values) { (coder: inout Self, values: [Value]?) throws(Failure) in
      try coder.list(values, max: max)
    }
  }
}

// Lists: the number of values, and each value in turn.

extension FieldCoder {
  @inlinable
  mutating func list<Value>(
    _ values: [Value]?, max: Int, _ code: (inout Self, Value?) throws(Failure) -> Value
  ) throws(Failure) -> [Value] {
    let count = try count(values?.count, max: max)
    // A coder that reads is given no list, or the empty one of a blank message.
    if let values, values.count == count {
      for value in values { _ = try code(&self, value) }
      return values
    }
    // Not reserved: memory grows with what arrives, not with what the count claims.
    var read: [Value] = []
    for _ in 0..<count { read.append(try code(&self, nil)) }
    return read
  }

  /// Nested values, at most `max`.
  ///
  /// - Throws: `Failure` when there are more, or one of them is refused.
  @inlinable
  public mutating func list<Value: WireFields>(_ values: [Value]?, max: Int) throws(Failure) -> [Value] {
    try list(values, max: max) { (coder: inout Self, value: Value?) throws(Failure) in try coder.value(value) }
  }

  /// At most `max` texts, each of at most `length` bytes.
  ///
  /// - Throws: `Failure` when what is read is more, longer, or no text.
  @inlinable
  public mutating func list(_ values: [String]?, max: Int, length: Int) throws(Failure) -> [String] {
    try list(values, max: max) { (coder: inout Self, value: String?) throws(Failure) in
      try coder.text(value, max: length)
    }
  }

  /// At most `max` strings of bytes, each of at most `length` bytes.
  ///
  /// - Throws: `Failure` when what is read is more or longer.
  @inlinable
  public mutating func list(_ values: [[UInt8]]?, max: Int, length: Int) throws(Failure) -> [[UInt8]] {
    try list(values, max: max) { (coder: inout Self, value: [UInt8]?) throws(Failure) in
      try coder.bytes(value, max: length)
    }
  }

  /// Numbers, at most `max`.
  ///
  /// - Throws: `Failure` when there are more, or one of them is refused.
  @inlinable
  public mutating func list<Number: FixedWidthInteger & Sendable>(
    _ values: [Number]?, max: Int, in range: ClosedRange<Number>
  ) throws(Failure) -> [Number] {
    try list(values, max: max) { (coder: inout Self, value: Number?) throws(Failure) in
      try coder.number(value, in: range)
    }
  }

  /// Nested values, at most `max`.
  ///
  /// - Throws: `Failure` when there are more, or one of them is refused.
  @inlinable
  public mutating func list<Choice: CaseIterable & Equatable>(
    choices values: [Choice]?, max: Int
  ) throws(Failure) -> [Choice] where Choice.AllCases == [Choice] {
    try list(values, max: max) { (coder: inout Self, value: Choice?) throws(Failure) in try coder.choice(value) }
  }
}
