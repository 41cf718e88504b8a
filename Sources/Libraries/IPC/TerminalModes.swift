import Wire

/// The encoded terminal modes of a `pty-req`, as ``ChannelRequest`` carries them: RFC 4254, section 8.
///
/// Takes any bytes: a list that is cut short gives what is whole before the cut.
public struct TerminalModes: Equatable, Sendable {
  /// One mode.
  public struct Mode: Equatable, Sendable {
    public let opcode: UInt8
    public let value: UInt32

    public init(opcode: UInt8, value: UInt32) {
      self.opcode = opcode
      self.value = value
    }
  }

  /// The modes in the client's order; an opcode can occur again, and then the last one counts.
  public let modes: [Mode]

  /// Reads the modes. Opcodes 1 to 159 have a `uint32`; 0 ends the list, and from 160 on nobody knows their length.
  public init(_ bytes: [UInt8]) {
    var reader = WireReader(bytes)
    var modes: [Mode] = []
    while let opcode = try? reader.byte(), (1..<160).contains(opcode), let value = try? reader.uint32() {
      modes.append(Mode(opcode: opcode, value: value))
    }
    self.modes = modes
  }
}
