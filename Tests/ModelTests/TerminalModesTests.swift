import Model
import Testing

@Suite struct TerminalModesTests {
  @Test func `modes keep the client's order, also an opcode that comes again`() {
    let modes = TerminalModes([53, 0, 0, 0, 0, 1, 0, 0, 0, 3, 53, 0, 0, 0, 1, 0]).modes
    #expect(modes.map(\.opcode) == [53, 1, 53])
    #expect(modes.map(\.value) == [0, 3, 1])
  }

  @Test func `no bytes are no modes`() {
    #expect(TerminalModes([]).modes.isEmpty)
    #expect(TerminalModes([0]).modes.isEmpty)
  }

  @Test func `a list without an end mark is taken as it is`() {
    #expect(TerminalModes([128, 0, 0, 0x96, 0]).modes == [TerminalModes.Mode(opcode: 128, value: 38400)])
  }
}
