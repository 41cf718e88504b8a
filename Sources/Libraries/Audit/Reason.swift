import Wire

/// A set of stable reason codes. Each is an enum whose raw values appear in the journal, in the log and in messages to
/// clients. All sets are in this library so that ``EventType/row`` can list them.
public protocol EventReason: RawRepresentable<String>, CaseIterable, CustomStringConvertible, Sendable {}

extension EventReason {
  /// The code.
  public var description: String { rawValue }

  /// All codes of the set, for a row of ``EventRow``.
  static var all: [Reason] { allCases.map { Reason($0) } }
}

/// The reason of an event: a code of some ``EventReason``, such as `banned` or `wrong_password`.
public struct Reason: Hashable, Sendable, CustomStringConvertible {
  /// The code, as in the journal.
  public let code: String

  /// The code of `reason`.
  public init(_ reason: some EventReason) { code = reason.rawValue }

  /// A code from a journal, which another version may have written.
  init(code: String) { self.code = code }

  /// The code.
  public var description: String { code }

  /// Every code that an event of this version can have, sorted; the index of a code is its number on the wire.
  private static let known = Set(EventType.allCases.flatMap(\.row.reasons).map(\.code)).sorted()
  private static let numbers = Dictionary(
    uniqueKeysWithValues: known.enumerated().map { ($1, UInt16($0)) })
}

extension Reason: WireFields {
  /// Encodes or decodes a code, as its index among all codes of this version.
  ///
  /// - Throws: `Coder.Failure` when what is read is no such index. A code that this version does not know is encoded as
  ///   one that cannot be decoded.
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    let number = value.map { Self.numbers[$0.code] ?? .max }
    let known = try coder.number(number, in: 0...UInt16(Self.known.count - 1))
    code = value?.code ?? Self.known[Int(known)]
  }
}
