import System
import Testing

@Suite struct LogTests {
  /// Blocks for ever when the claim is false, until the limit.
  @Test(.timeLimit(.minutes(1)), arguments: [Log.Style.plain, .journal, .syslog])
  func `the longest line goes into a pipe that has room for 4096 bytes, without waiting`(style: Log.Style) throws {
    let (reader, writer) = try Descriptor.pipe()
    let page = [UInt8](repeating: 0, count: 4096)
    for _ in 0..<15 { try writer.writeAll(page) }
    var log = Log(threshold: .info, style: style, output: writer)
    log.write(.warning, String(repeating: "\u{202e}", count: 3000))
    for _ in 0..<15 { _ = try reader.read(count: page.count) }
    let line = try reader.read(count: page.count).bytes
    #expect(line.count > 4000)
    #expect(String(decoding: line, as: UTF8.self).contains("\\u{202e}…"))
  }
}
