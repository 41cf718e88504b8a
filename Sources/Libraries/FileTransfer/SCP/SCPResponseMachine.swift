/// Parses the responses of a client to what `scp -f` sends. Bytes may arrive in any pieces.
public struct SCPResponseMachine {
  /// A response of the client.
  public enum Response: Equatable, Sendable {
    /// The client is ready for what follows.
    case accepted
    /// The client could not process the last record and continues with the next one.
    case refused([UInt8])
    /// The client aborts.
    case fatal([UInt8])
  }

  private var line: [UInt8] = []

  public init() {}

  /// Consumes the next response from `input`. nil means that all input was consumed and more is needed.
  ///
  /// - Throws: `SCPViolation` when the bytes are not a response, or its message exceeds ``SCPSinkMachine/longestLine``.
  public mutating func next(_ input: inout ArraySlice<UInt8>) throws(SCPViolation) -> Response? {
    while let byte = input.popFirst() {
      if line.isEmpty, byte == 0 { return .accepted }
      if line.isEmpty, byte != 1, byte != 2 { throw SCPViolation("expected an answer") }
      guard byte == UInt8(ascii: "\n") else {
        guard line.count < SCPSinkMachine.longestLine else { throw SCPViolation("a line is too long") }
        line.append(byte)
        continue
      }
      let message = Array(line.dropFirst())
      defer { line = [] }
      return line.first == 1 ? .refused(message) : .fatal(message)
    }
    return nil
  }
}
