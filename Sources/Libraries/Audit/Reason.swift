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

  /// Every code that an event of this version can have.
  private static let known = Set(EventType.allCases.flatMap(\.row.reasons))
}

extension Reason: WireCodable {
  public func encode(to writer: inout WireWriter) { writer.text(code) }

  /// Decodes a code.
  ///
  /// - Throws: `WireError.malformed` for a code that this version does not know, `tooLong` for more than 64 bytes,
  ///   `truncated` if the message ends early.
  public init(from reader: inout WireReader) throws(WireError) {
    code = try reader.text(limit: 64)
    guard Self.known.contains(self) else { throw .malformed }
  }
}
