import Wire

/// Messages from `bssh-transfer` to the session process that started it.
public enum TransferToSession: WireMessage, Equatable {
  /// Events of files. The session adds the channel.
  case facts(FactBatch)
  /// A line for the log, at most 1,024 bytes.
  case note(String)

  public static let blanks: [Self] = [.facts(.blank), .note("")]

  public var wireKind: Int {
    switch self {
    case .facts: 1
    case .note: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .facts(let batch): self = try .facts(coder.value(batch))
    case .note(let text): self = try .note(coder.text(text, max: 1024))
    }
  }
}
