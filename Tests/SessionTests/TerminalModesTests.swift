import IPC
import Model
import System
import Testing

@Suite struct TerminalModesTests {
  private static let sample: [UInt8] = [1, 0, 0, 0, 3, 53, 0, 0, 0, 1, 128, 0, 0, 0x96, 0, 159, 255, 255, 255, 255, 0]

  @Test func `modes are parsed up to the end mark, including unknown ones`() {
    #expect(
      TerminalModes(TerminalModesTests.sample + [1, 0, 0, 0, 9]).modes == [
        TerminalModes.Mode(opcode: 1, value: 3), TerminalModes.Mode(opcode: 53, value: 1),
        TerminalModes.Mode(opcode: 128, value: 38400),
        TerminalModes.Mode(opcode: 159, value: .max),
      ])
  }

  @Test(arguments: 0..<sample.count) func `a truncated list gives the complete modes before the cut`(count: Int) {
    let whole = TerminalModes(TerminalModesTests.sample).modes
    let cut = TerminalModes(Array(TerminalModesTests.sample.prefix(count))).modes
    #expect(cut == Array(whole.prefix(count / 5)))
  }

  @Test(arguments: [UInt8(160), 200, 255]) func `opcodes from 160 on end the list`(opcode: UInt8) {
    #expect(
      TerminalModes([53, 0, 0, 0, 0, opcode, 0, 0, 0, 1, 1, 0, 0, 0, 3]).modes == [
        TerminalModes.Mode(opcode: 53, value: 0)
      ])
  }

  @Test(arguments: [UInt32(0), 1, 255, 256, 38400, .max])
  func `every opcode with any value can be applied to a terminal`(value: UInt32) throws {
    let terminal = try Terminal()
    // A pseudo-terminal has no parity and no 7-bit characters, and reports that.
    let impossible: Set<UInt8> = [90, 92]
    for opcode: UInt8 in 1...159 {
      let isTaken = terminal.apply([(opcode, value)])
      #expect(isTaken || impossible.contains(opcode) && value != 0, "\(opcode) \(value)")
    }
  }
}
