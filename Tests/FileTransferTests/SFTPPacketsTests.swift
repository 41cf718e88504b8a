import TestSupport
import Testing

@testable import FileTransfer

struct SFTPPacketsTests {
  private func header(_ length: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } }

  @Test func `a packet of the longest length is valid, a longer or empty one is not`() throws {
    for length in [0, SFTPPackets.limit + 1, 1 << 31, Int(UInt32.max)] {
      var packets = SFTPPackets()
      packets.append(header(length)[...])
      #expect(throws: SFTPViolation.badLength(UInt32(length))) { try packets.next() }
    }
    for length in [1, SFTPPackets.limit] {
      var packets = SFTPPackets()
      packets.append(header(length)[...])
      packets.append([UInt8](repeating: 7, count: length - 1)[...])
      #expect(try packets.next() == nil)
      packets.append([8])
      #expect(try packets.next().map(Array.init) == [UInt8](repeating: 7, count: length - 1) + [8])
      #expect(packets.isEmpty)
    }
  }

  @Test func `an incomplete length field is not a packet yet`() throws {
    var packets = SFTPPackets()
    for byte in header(2) + [5] {
      packets.append([byte])
      #expect(try packets.next() == nil)
    }
    packets.append([6, 0, 0])
    #expect(try packets.next().map(Array.init) == [5, 6])
    #expect(try packets.next() == nil && !packets.isEmpty)
  }

  /// The longest packets in sequence, from a client that always fills the buffer.
  @Test func `packets are returned unchanged wherever they are in the buffer`() throws {
    var packets = SFTPPackets()
    var random = SplitMix(seed: 7)
    var (sent, taken) = (0, 0)
    var stream: [UInt8] = []
    for _ in 0..<100 {
      while stream.count < packets.room {
        let length = Int.random(in: 1...[20, SFTPPackets.limit].randomElement(using: &random)!, using: &random)
        stream += header(length) + [UInt8](repeating: UInt8(sent % 251), count: length)
        sent += 1
      }
      let count = Int.random(in: 1...packets.room, using: &random)
      packets.append(stream[..<count])
      stream.removeFirst(count)
      while let packet = try packets.next() {
        #expect(packet.first == UInt8(taken % 251) && packet.last == UInt8(taken % 251))
        taken += 1
      }
      #expect(packets.room > 0)
    }
    #expect(taken > 100)
  }
}
