import Model
import Testing

@Suite struct TerminalModesTests {
  @Test func `modes keep the client's order, also repeated opcodes`() {
    let modes = TerminalModes([53, 0, 0, 0, 0, 1, 0, 0, 0, 3, 53, 0, 0, 0, 1, 0]).modes
    #expect(modes.map(\.opcode) == [53, 1, 53])
    #expect(modes.map(\.value) == [0, 3, 1])
  }

  @Test func `an empty list has no modes`() {
    #expect(TerminalModes([]).modes.isEmpty)
    #expect(TerminalModes([0]).modes.isEmpty)
  }

  @Test func `a list without TTY_OP_END is accepted`() {
    #expect(TerminalModes([128, 0, 0, 0x96, 0]).modes == [TerminalModes.Mode(opcode: 128, value: 38400)])
  }
}
