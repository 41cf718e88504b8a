import Wire

/// The encoded terminal modes of a `pty-req`. RFC 4254, section 8
///
/// Any bytes are accepted: a truncated list yields the modes before the end.
public struct TerminalModes: Equatable, Sendable {
  /// One mode.
  public struct Mode: Equatable, Sendable {
    /// RFC 4254, section 8.
    public let opcode: UInt8
    /// The character, the flag (0 or 1) or the baud rate, depending on ``opcode``.
    public let value: UInt32

    public init(opcode: UInt8, value: UInt32) {
      self.opcode = opcode
      self.value = value
    }
  }

  /// The modes in the client's order; an opcode can occur more than once, and then the last one counts.
  public let modes: [Mode]

  /// Reads the modes. Opcodes 1 to 159 have a `uint32`; 0 ends the list, and so do those from 160, whose length is
  /// unknown.
  public init(_ bytes: [UInt8]) {
    var reader = WireReader(bytes)
    var modes: [Mode] = []
    while let opcode = try? reader.byte(), (1..<160).contains(opcode), let value = try? reader.uint32() {
      modes.append(Mode(opcode: opcode, value: value))
    }
    self.modes = modes
  }
}
