import Wire

/// Messages from `bssh-transfer` to the session process that started it.
public enum TransferToSession: WireMessage, Equatable {
  /// Events of files. The session adds the channel.
  case records(AuditBatch)
  /// A line for the log, at most 1,024 bytes.
  case log(String)

  public static let blanks: [Self] = [.records(.blank), .log("")]

  public var wireKind: Int {
    switch self {
    case .records: 1
    case .log: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .records(let batch): self = try .records(coder.value(batch))
    case .log(let text): self = try .log(coder.text(text, max: 1024))
    }
  }
}
