import IPC
import Testing

@testable import System
@testable import Transport

/// Data of forwarded channels between a client and a real socket.
@Suite struct ForwardPumpTests {
  /// A connection that records what is sent to its client.
  private final class Client: ChannelPump.Delegate {
    var sent: [[UInt8]] = []
    var told: [TransportToSession] = []
    var forgotten: [UInt32] = []
    var hasRoom = true
    var isActive = false
    let loop: EventLoop
    let clientIsOpenSSH = true
    let recordsInput = false
    var windows = WindowBudget(fullSize: 1000)

    init() throws { loop = try EventLoop() }

    func send(_ message: [UInt8]) { sent.append(message) }
    func sendData(_ memory: UnsafeRawBufferPointer) -> Bool {
      sent.append(Array(memory))
      return hasRoom
    }
    func sendToSession(_ message: TransportToSession) { told.append(message) }
    func hasInput(_ channel: ChannelPump) {}
    func hasOutput(_ channel: ChannelPump) {}
    func forget(_ number: UInt32) { forgotten.append(number) }
    func recorded(_ end: RecordingEnd) {}

    func numbers() -> [UInt8] {
      defer { sent = [] }
      return sent.map { $0[0] }
    }
  }

  /// A forwarded channel, its client and its target.
  private struct Forward {
    let client: Client
    let pump: ChannelPump
    /// The target's end of the socket.
    var target: Descriptor?
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 13 + 32768, alignment: 8)

    init(window: UInt32 = 1000, peerWindow: UInt32 = 1000) throws {
      // As a transport does.
      SignalSource.ignoreBrokenPipes()
      client = try Client()
      let (ours, theirs) = try Descriptor.streamPair()
      try ours.setNonBlocking()
      try theirs.setNonBlocking()
      target = theirs
      let channel = Channel(
        number: 3, peer: 7, peerWindow: peerWindow, peerMaximumPacket: 32768, windowSize: window, isForward: true)
      pump = ChannelPump(channel, socket: ours, connection: client)
    }

    func receive(_ text: String) throws {
      try Array(text.utf8).withUnsafeBytes { try pump.received($0) }
      pump.flushInput()
    }

    /// Lets the event loop report what is ready now, and moves data until there is nothing to do.
    func turn() throws {
      for _ in 0..<8 {
        for event in try client.loop.wait(milliseconds: 0) { pump.ready(.output, event) }
        while pump.wantsPump && pump.pumpOnce(memory) {}
        pump.updateInterests()
      }
    }

    func free() { memory.deallocate() }
  }

  @Test func `data goes both ways`() throws {
    let forward = try Forward()
    defer { forward.free() }
    try forward.receive("to the target")
    #expect(try forward.target?.read(count: 100).bytes == Array("to the target".utf8))
    try forward.target?.writeAll(Array("to the client".utf8))
    try forward.turn()
    #expect(forward.client.sent == [Message.data(peer: 7, Array("to the client".utf8), asErrors: false)])
  }

  @Test func `the client's end arrives at the target after all data, and the target may still answer`() throws {
    let forward = try Forward()
    defer { forward.free() }
    try forward.receive("question")
    forward.pump.endOfFileReceived()
    #expect(try forward.target?.read(count: 100).bytes == Array("question".utf8))
    #expect(try forward.target?.read(count: 100).outcome == .ended)
    try forward.target?.writeAll(Array("answer".utf8))
    try forward.turn()
    #expect(forward.client.numbers() == [MessageNumber.channelData])
  }

  @Test func `the target's end is sent after all data, and the client may still answer`() throws {
    let forward = try Forward()
    defer { forward.free() }
    try forward.target?.writeAll(Array("question".utf8))
    forward.target?.shutDownWriting()
    try forward.turn()
    #expect(forward.client.numbers() == [MessageNumber.channelData, MessageNumber.channelEOF])
    try forward.receive("answer")
    #expect(try forward.target?.read(count: 100).bytes == Array("answer".utf8))
    forward.pump.endOfFileReceived()
    #expect(forward.client.numbers() == [MessageNumber.channelClose])
    #expect(try forward.target?.read(count: 100).outcome == .ended)
    #expect(forward.client.told == [])
    forward.pump.closeReceived()
    #expect(forward.client.told == [.closed(channel: 3, bytesIn: 6, bytesOut: 8)])
    #expect(forward.client.forgotten == [3])
  }

  @Test func `a target that has ended one direction causes no events while nothing is to be done`() throws {
    let forward = try Forward()
    defer { forward.free() }
    forward.target?.shutDownWriting()
    try forward.turn()
    #expect(try forward.client.loop.wait(milliseconds: 0).isEmpty)
  }

  @Test func `a client that reads nothing stops the target, and gets everything once it reads`() throws {
    let forward = try Forward(peerWindow: 10)
    defer { forward.free() }
    let text = [UInt8](repeating: 0x61, count: 4 << 20)
    guard case .bytes(let count)? = try forward.target?.write(text[...]) else { throw WriteFailure() }
    #expect(count < text.count)
    try forward.turn()
    #expect(forward.client.numbers() == [MessageNumber.channelData])
    #expect(try forward.target?.write(text[...]) == .wouldBlock)
    #expect(try forward.client.loop.wait(milliseconds: 0).isEmpty)
    try forward.pump.adjusted(by: 20)
    try forward.turn()
    #expect(forward.client.numbers() == [MessageNumber.channelData])
    #expect(forward.pump.channel.bytesOut == 30)
  }

  @Test func `a target that reads nothing gives the client no window, and gets everything once it reads`() throws {
    let size = 8 << 20
    let forward = try Forward(window: UInt32(size))
    defer { forward.free() }
    try [UInt8](repeating: 0x61, count: size).withUnsafeBytes { try forward.pump.received($0) }
    forward.pump.flushInput()
    #expect(forward.pump.channel.window < UInt32(size) / 2)
    forward.pump.endOfFileReceived()
    var read = 0
    while let (bytes, outcome) = try forward.target?.read(count: 1 << 20), outcome != .ended {
      read += bytes.count
      try forward.turn()
    }
    #expect(read == size)
  }

  @Test func `a client's close lets pending data arrive at a slow target, and the descriptor is closed then`() throws {
    let size = 4 << 20
    let forward = try Forward(window: UInt32(size))
    defer { forward.free() }
    try [UInt8](repeating: 0x61, count: size).withUnsafeBytes { try forward.pump.received($0) }
    forward.pump.flushInput()
    forward.pump.closeReceived()
    #expect(forward.client.told == [] && forward.client.forgotten == [])
    var read = 0
    while let (bytes, outcome) = try forward.target?.read(count: 1 << 20), outcome != .ended {
      read += bytes.count
      try forward.turn()
    }
    #expect(read == size)
    #expect(forward.client.forgotten == [3])
    #expect(forward.target?.isHungUp == true)
  }

  @Test func `a target that is gone ends the channel, and further data is discarded with its window returned`() throws {
    var forward = try Forward()
    defer { forward.free() }
    forward.target = nil
    try forward.receive(String(repeating: "a", count: 600))
    try forward.turn()
    let numbers = forward.client.numbers()
    #expect(
      numbers.filter { $0 != MessageNumber.channelWindowAdjust } == [
        MessageNumber.channelEOF, MessageNumber.channelClose,
      ])
    #expect(!numbers.contains(MessageNumber.channelRequest))
    try forward.receive(String(repeating: "a", count: 400))
    forward.pump.closeReceived()
    #expect(forward.client.forgotten == [3])
  }

  @Test func `messages of the session that belong to programs are refused`() throws {
    let forward = try Forward()
    defer { forward.free() }
    let messages: [SessionToTransport] = [
      .done(channel: 3), .refused(channel: 3), .exited(channel: 3, status: 0), .announce(channel: 3, "x"),
      .killed(channel: 3, signal: "TERM", coreDumped: false), .connected(channel: 3),
      .openFailed(channel: 3, .prohibited, ""),
    ]
    for message in messages { #expect(!forward.pump.handle(message, []), "\(message)") }
    #expect(!forward.pump.handle(.started(channel: 3, terminal: true), [try Descriptor.pipe().reader]))
  }

  private struct WriteFailure: Error {}
}
