import IPC
import Testing

@testable import System
@testable import Transport

@Suite struct ChannelPumpTests {
  /// A connection that records what is sent to its client.
  private final class Client: ChannelPump.Delegate {
    var sent: [[UInt8]] = []
    var isActive = false
    let loop: EventLoop
    let clientIsOpenSSH = false
    let recordsInput = false
    /// No larger than the window, so that it never grows.
    var windows = WindowBudget(fullSize: 1000)

    init() throws { loop = try EventLoop() }

    func send(_ message: [UInt8]) { sent.append(message) }
    func sendData(_ memory: UnsafeRawBufferPointer) -> Bool { true }
    func sendToSession(_ message: TransportToSession) {}
    func hasInput(_ channel: ChannelPump) {}
    func hasOutput(_ channel: ChannelPump) {}
    func forget(_ number: UInt32) {}
    func recorded(_ end: RecordingEnd) {}
  }

  /// A descriptor whose other end is closed.
  private func ended() throws -> Descriptor {
    let (reader, _) = try Descriptor.pipe()
    try reader.setNonBlocking()
    return reader
  }

  @Test func `input for a terminal that has ended is discarded, and its window is returned`() throws {
    let client = try Client()
    let channel = Channel(number: 0, peer: 7, peerWindow: 1000, peerMaximumPacket: 32768, windowSize: 1000)
    let pump = ChannelPump(channel, connection: client)
    pump.requested(.shell, wantsReply: false)
    #expect(pump.handle(.started(channel: 0, terminal: true), [try ended()]))
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
    defer { memory.deallocate() }
    pump.ready(.output, EventLoop.Event(token: 0, isReadable: true, isWritable: false, isHungUp: true))
    while pump.pumpOnce(memory) {}
    client.sent = []
    for _ in 0..<10 {
      for _ in 0..<2 {
        try [UInt8](repeating: 0x61, count: 500).withUnsafeBytes { try pump.received($0) }
      }
      pump.flushInput()
    }
    #expect(client.sent == [[UInt8]](repeating: Message.windowAdjust(peer: 7, by: 1000), count: 10))
  }
}
