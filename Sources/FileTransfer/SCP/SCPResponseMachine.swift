/// Reads the answers that a client gives to what `scp -f` sends. Bytes may come in any pieces.
public struct SCPResponseMachine {
  public enum Response: Equatable, Sendable {
    case accepted
    /// The client could not take it, but goes on.
    case refused([UInt8])
    /// The client gives up.
    case fatal([UInt8])
  }

  private var line: [UInt8] = []

  public init() {}

  /// The next answer, whose bytes are taken from `input`. nil: all of it was taken, and more is needed.
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
