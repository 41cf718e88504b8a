import IPC
import Testing
import Wire

@testable import Transport

@Suite struct MessagesTests {
  static func request(_ name: String, wantsReply: Bool = true, _ write: (inout WireWriter) -> Void = { _ in })
    -> [UInt8]
  {
    var writer = WireWriter()
    writer.text(name)
    writer.boolean(wantsReply)
    write(&writer)
    return writer.bytes
  }

  static let known: [([UInt8], ChannelRequest)] = [
    (request("shell"), .shell),
    (request("exec") { $0.text("true") }, .execute(Array("true".utf8))),
    (request("subsystem") { $0.text("sftp") }, .subsystem(Array("sftp".utf8))),
    (request("signal") { $0.text("TERM") }, .signal(Array("TERM".utf8))),
    (request("break") { $0.uint32(500) }, .breakSignal(500)),
    (
      request("env") {
        $0.text("LANG")
        $0.text("C")
      }, .environment(name: Array("LANG".utf8), value: Array("C".utf8))
    ),
    (
      request("window-change") { for n in [80, 24, 640, 480] as [UInt32] { $0.uint32(n) } },
      .windowChange(columns: 80, rows: 24, xPixels: 640, yPixels: 480)
    ),
    (
      request("pty-req") {
        $0.text("xterm")
        for n in [80, 24, 640, 480] as [UInt32] { $0.uint32(n) }
        $0.string([0])
      },
      .terminal(term: Array("xterm".utf8), columns: 80, rows: 24, xPixels: 640, yPixels: 480, modes: [0])
    ),
  ]

  @Test(arguments: known) func `a standard request is parsed`(_ bytes: [UInt8], _ wanted: ChannelRequest)
    throws
  {
    var reader = WireReader(bytes)
    let (parsed, wantsReply) = try ParsedChannelRequest.parse(&reader)
    #expect(parsed == .forSession(wanted))
    #expect(wantsReply)
  }

  @Test(arguments: known) func `a truncated request is malformed`(
    _ bytes: [UInt8], _: ChannelRequest
  ) {
    for length in 0..<bytes.count {
      var reader = WireReader(bytes[..<length])
      #expect(throws: WireError.self) { try ParsedChannelRequest.parse(&reader) }
    }
  }

  @Test(arguments: known) func `a request with trailing bytes is malformed`(_ bytes: [UInt8], _: ChannelRequest) {
    var reader = WireReader(bytes + [0])
    #expect(throws: WireError.trailingBytes) { try ParsedChannelRequest.parse(&reader) }
  }

  @Test func `the beginning of a command that is too long to run is passed on`() throws {
    let limit = 128 << 10
    for length in [limit, limit + 1, 260_000] {
      var reader = WireReader(Self.request("exec") { $0.string([UInt8](repeating: 97, count: length)) })
      let wanted: ChannelRequest =
        length == limit
        ? .execute([UInt8](repeating: 97, count: length)) : .overlongCommand([UInt8](repeating: 97, count: 4096))
      #expect(try ParsedChannelRequest.parse(&reader).request == .forSession(wanted))
    }
  }

  @Test(arguments: ["env name", "env value", "term", "modes", "subsystem", "signal", "name"])
  func `a request that exceeds a limit is refused, and no violation`(_ what: String) throws {
    func long(_ name: String, _ count: Int) -> [UInt8] { [UInt8](repeating: 97, count: what == name ? count : 4) }
    for extra in [0, 1, 100_000] {
      let bytes: [UInt8] =
        switch what {
        case "env name", "env value":
          Self.request("env") {
            $0.string(long("env name", 1024 + extra))
            $0.string(long("env value", (128 << 10) + extra))
          }
        case "term", "modes":
          Self.request("pty-req") {
            $0.string(long("term", 1024 + extra))
            for number in [80, 24, 0, 0] as [UInt32] { $0.uint32(number) }
            $0.string(long("modes", 4096 + extra))
          }
        case "name": Self.request(String(repeating: "x", count: 256 + extra))
        default: Self.request(what) { $0.string(long(what, 1024 + extra)) }
        }
      var reader = WireReader(bytes)
      let (parsed, wantsReply) = try ParsedChannelRequest.parse(&reader)
      #expect(wantsReply && (parsed == .refused) == (extra > 0 || what == "name"))
    }
  }

  @Test func `an unknown request is refused, whatever follows its name`() throws {
    var reader = WireReader(Self.request("x11-req", wantsReply: false) { $0.raw([1, 2, 3]) })
    let (parsed, wantsReply) = try ParsedChannelRequest.parse(&reader)
    #expect(parsed == .refused)
    #expect(!wantsReply)
  }

  @Test func `eow@openssh.com is parsed`() throws {
    var reader = WireReader(Self.request("eow@openssh.com", wantsReply: false))
    #expect(try ParsedChannelRequest.parse(&reader).request == .endOfWrite)
    var long = WireReader(Self.request("eow@openssh.com") { $0.byte(1) })
    #expect(throws: WireError.trailingBytes) { try ParsedChannelRequest.parse(&long) }
  }

  @Test func `messages are encoded as in the RFCs`() {
    #expect(Message.disconnect(11, "x") == [1, 0, 0, 0, 11, 0, 0, 0, 1, 120, 0, 0, 0, 0])
    #expect(Message.serviceAccept("a") == [6, 0, 0, 0, 1, 97])
    #expect(Message.authenticationFailure(continuing: ["a", "b"], partial: true) == [51, 0, 0, 0, 3, 97, 44, 98, 1])
    #expect(Message.windowAdjust(peer: 1, by: 2) == [93, 0, 0, 0, 1, 0, 0, 0, 2])
    #expect(Message.openFailure(peer: 1, .unknownType, "") == [92, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(
      Message.channelRequest(peer: 1, "e") { $0.uint32(9) } == [98, 0, 0, 0, 1, 0, 0, 0, 1, 101, 0, 0, 0, 0, 9])
  }
}
