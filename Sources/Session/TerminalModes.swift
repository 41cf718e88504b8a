import System
import Wire

/// The encoded terminal modes of a `pty-req`: RFC 4254, section 8.
///
/// Takes any bytes: a list that is cut short gives what is whole before the cut.
struct TerminalModes: Equatable {
  /// The modes in the client's order; an opcode can occur again, and then the last one counts.
  let modes: [TerminalMode]

  /// Reads the modes. Opcodes 1 to 159 have a `uint32`; 0 ends the list, and from 160 on nobody knows their length.
  init(_ bytes: [UInt8]) {
    var reader = WireReader(bytes)
    var modes: [TerminalMode] = []
    while let opcode = try? reader.byte(), (1..<160).contains(opcode), let value = try? reader.uint32() {
      modes.append(TerminalMode(opcode: opcode, value: value))
    }
    self.modes = modes
  }
}
