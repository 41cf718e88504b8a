import Wire

/// Fills the fields of a value with different values, and encodes them.
///
/// One field can have its limit or a value beyond it, which can be encoded but not decoded.
struct FieldSampler: FieldCoder {
  /// What a field contains instead of its usual value.
  enum Option: Sendable {
    case least, greatest, tooLittle, tooMuch, tooLong

    /// The error of decoding it.
    var error: WireError? {
      switch self {
      case .least, .greatest: nil
      case .tooLittle, .tooMuch: .malformed
      case .tooLong: .tooLong
      }
    }
  }

  /// A field that was filled.
  struct Point {
    /// `Account.0.3`: the type, the kind of a message, and the index of the field.
    let field: String
    let options: [Option]
  }

  /// After this many fields, lists are empty, so that recursive values are finite.
  private static let room = 250
  /// After this many fields of one value, its lists are empty.
  private static let roomOfValue = 50

  private(set) var writer = WireWriter()
  private(set) var points: [Point] = []
  /// The number of kinds of each message, in order.
  private(set) var kindCounts: [Int] = []
  private(set) var types: [(name: String, kinds: MessageKinds?)] = []
  /// The cases of each type that is a choice, in order.
  private(set) var choices: Set<String> = []
  /// Properties that no field sets.
  private(set) var uncoded: [String] = []
  private let kinds: [Int]
  private let isBare: Bool
  private let changed: (option: Option, index: Int)?
  private var met = 0
  private var owner = ""
  private var place = 0

  /// - Parameters:
  ///   - kinds: the kinds of the first messages; further ones have the first kind.
  ///   - isBare: every field that can be empty is empty.
  init(kinds: [Int], isBare: Bool = false) {
    (self.kinds, self.isBare, changed) = (kinds, isBare, nil)
  }

  /// - Parameter index: the index of the field to which `option` applies.
  init(kinds: [Int], option: Option, at index: Int) {
    (self.kinds, isBare, changed) = (kinds, false, (option, index))
  }

  /// Counts a field and returns its special value; nil: its usual value.
  private mutating func meet(_ options: [Option]) -> Option? {
    defer { met += 1 }
    place += 1
    if let changed { return changed.index == met ? changed.option : nil }
    points.append(Point(field: "\(owner).\(place)", options: options))
    return isBare ? .least : nil
  }

  private mutating func length(_ range: ClosedRange<Int>, usual: Int) -> Int {
    var options: [Option] = [.least, .greatest, .tooLong]
    if range.lowerBound > 0 { options.append(.tooLittle) }
    switch meet(options) {
    case nil: return min(max(usual, range.lowerBound), range.upperBound)
    case .least: return range.lowerBound
    case .greatest: return range.upperBound
    case .tooLittle: return range.lowerBound - 1
    case .tooMuch, .tooLong: return range.upperBound + 1
    }
  }

  mutating func kind(_ value: Int?, of count: Int) -> Int {
    let kind =
      switch meet([.least, .greatest, .tooMuch]) {
      case nil, .greatest, .tooLong: count - 1
      case .least, .tooLittle: 0
      case .tooMuch: count
      }
    writer.byte(UInt8(kind))
    return min(kind, count - 1)
  }

  mutating func choice<Choice: CaseIterable & Equatable>(_ value: Choice?) -> Choice where Choice.AllCases == [Choice] {
    choices.insert("\(Choice.self): \(Choice.allCases)")
    return Choice.allCases[kind(nil, of: Choice.allCases.count)]
  }

  mutating func flag(_ value: Bool?) -> Bool {
    let byte: UInt8 =
      switch meet([.least, .greatest, .tooMuch]) {
      case nil, .greatest, .tooLong: 1
      case .least, .tooLittle: 0
      case .tooMuch: 2
      }
    writer.byte(byte)
    return byte == 1
  }

  mutating func number<Number: FixedWidthInteger & Sendable>(
    _ value: Number?, in range: ClosedRange<Number>
  ) -> Number {
    var options: [Option] = [.least, .greatest]
    if range.lowerBound > .min { options.append(.tooLittle) }
    if range.upperBound < .max { options.append(.tooMuch) }
    let option = meet(options)
    // Not the smallest number, which a blank has.
    let usual = range.lowerBound.addingReportingOverflow(Number(1 + met % 7)).partialValue
    let sample =
      switch option {
      case nil: range.contains(usual) ? (usual == range.lowerBound ? range.upperBound : usual) : range.upperBound
      case .least: range.contains(0) && isBare ? 0 : range.lowerBound
      case .greatest: range.upperBound
      case .tooLittle: range.lowerBound - 1
      case .tooMuch, .tooLong: range.upperBound + 1
      }
    _ = writer.number(sample, in: .min ... .max)
    return min(max(sample, range.lowerBound), range.upperBound)
  }

  mutating func bytes(_ value: [UInt8]?, length range: ClosedRange<Int>) -> [UInt8] {
    let length = length(range, usual: 3)
    let sample = [UInt8](repeating: UInt8(1 + met % 255), count: length)
    writer.string(sample)
    return sample
  }

  mutating func text(_ value: String?, length range: ClosedRange<Int>) -> String {
    let length = length(range, usual: 4)
    let letter = Character(Unicode.Scalar(UInt8(97 + met % 26)))
    let sample = String(repeating: letter, count: length)
    writer.text(sample)
    return sample
  }

  mutating func secret(_ value: SecretBytes?, max: Int) -> SecretBytes {
    let length = length(0...max, usual: 3)
    let sample = SecretBytes([UInt8](repeating: UInt8(1 + met % 255), count: length))
    writer.string(sample)
    return sample
  }

  mutating func count(_ value: Int?, max: Int) -> Int {
    let count = length(0...max, usual: isFull ? 0 : 2)
    writer.uint32(UInt32(count))
    return count
  }

  mutating func require(_ condition: Bool) {}

  mutating func value<Value: WireFields>(_ value: Value?) -> Value {
    let (outerOwner, outerPlace) = (owner, place)
    defer { (owner, place) = (outerOwner, outerPlace) }
    let name = "\(Value.self)"
    (owner, place) = (name, 0)
    guard changed == nil else { return Value(fieldsOf: nil, in: &self) }
    types.append((name, nil))
    let sample = Value(fieldsOf: nil, in: &self)
    let mirror = Mirror(reflecting: sample)
    if !isBare, mirror.displayStyle == .struct {
      for (child, empty) in zip(mirror.children, Mirror(reflecting: Value.blank).children)
      where "\(child.value)" == "\(empty.value)" && !("\(child.value)" == "[]" && met > Self.room) {
        uncoded.append("\(name).\(child.label ?? "")")
      }
    }
    return sample
  }

  private var isFull: Bool { met > Self.room || place > Self.roomOfValue }

  mutating func message<Message: WireMessage>(_ value: Message?) -> Message {
    let index = kindCounts.count
    kindCounts.append(Message.blanks.count)
    let kind = index < kinds.count ? kinds[index] : 0
    if changed == nil {
      owner += ".\(kind)"
      types.removeAll { $0.name == "\(Message.self)" }
      types.append(
        (
          "\(Message.self)",
          MessageKinds(
            testDescription: "\(Message.self)", cases: numberOfCases(Message.self),
            numbers: Message.blanks.map(\.wireKind),
            error: { readingError(Message.self, $0) })
        ))
    }
    writer.byte(UInt8(kind + 1))
    return Message.blanks[kind]
  }
}

/// The number of cases of an enumeration, from its metadata: the second word is the descriptor, whose sixth and seventh
/// 32-bit words are the numbers of cases with and without payload.
/// (swift/docs/ABI/TypeMetadata.rst, "Nominal type descriptor")
func numberOfCases<Enumeration>(_ type: Enumeration.Type) -> Int {
  let metadata = unsafeBitCast(type, to: UnsafePointer<UnsafePointer<UInt32>>.self)
  let descriptor = metadata[1]
  return Int(descriptor[5] & 0xff_ffff) + Int(descriptor[6])
}
