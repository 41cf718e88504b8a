import Wire

/// A set of stable codes that say why something happened. Each is an enum whose raw values the journal, the log and
/// clients see; all of them are in this library, so that ``EventType/row`` can list them.
public protocol EventReason: RawRepresentable<String>, CaseIterable, CustomStringConvertible, Sendable {}

extension EventReason {
  /// The code.
  public var description: String { rawValue }

  /// All of them, as a row of ``EventRow`` lists them.
  static var all: [Reason] { allCases.map { Reason($0) } }
}

/// Why an event happened: the code of an ``EventReason``, whichever enum it is from. `banned`, `wrong_password`.
public struct Reason: Hashable, Sendable, CustomStringConvertible {
  /// The code, as the journal has it.
  public let code: String

  public init(_ reason: some EventReason) { code = reason.rawValue }

  /// A code as a journal has it, which another version may have written.
  init(code: String) { self.code = code }

  /// The code.
  public var description: String { code }

  /// Every code that an event of this version can have.
  private static let known = Set(EventType.allCases.flatMap(\.row.reasons))
}

extension Reason: WireCodable {
  public func encode(to writer: inout WireWriter) { writer.text(code) }

  /// Throws `WireError.malformed` for a code that is not one of this version.
  public init(from reader: inout WireReader) throws(WireError) {
    code = try reader.text(limit: 64)
    guard Self.known.contains(self) else { throw .malformed }
  }
}
