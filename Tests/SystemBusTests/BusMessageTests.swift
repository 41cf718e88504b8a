import Testing

@testable import SystemBus

@Suite struct BusMessageTests {
  /// A call with the fields that we use, encoded by hand from the specification.
  @Test func `a message is encoded as in the specification`() throws {
    var message = BusMessage(.call, serial: 7)
    message.path = "/a"
    message.member = "Do"
    message.signature = "s"
    message.body = [2, 0, 0, 0, 0x68, 0x69, 0]
    let expected: [UInt8] =
      [0x6c, 1, 2, 1, 7, 0, 0, 0, 7, 0, 0, 0, 39, 0, 0, 0]
      + [1, 1, 0x6f, 0, 2, 0, 0, 0, 0x2f, 0x61, 0, 0, 0, 0, 0, 0]
      + [3, 1, 0x73, 0, 2, 0, 0, 0, 0x44, 0x6f, 0, 0, 0, 0, 0, 0]
      + [8, 1, 0x67, 0, 1, 0x73, 0, 0]
      + [2, 0, 0, 0, 0x68, 0x69, 0]
    #expect(message.bytes == expected)
    #expect(try BusMessage.read(expected) == message)
    #expect(try BusMessage.length(of: expected[...]) == expected.count)
    #expect(try message.leadingTexts() == ["hi"])
  }

  @Test func `a message in big-endian byte order is decoded`() throws {
    let bytes: [UInt8] =
      [0x42, 4, 1, 1, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 24]
      + [3, 1, 0x73, 0, 0, 0, 0, 2, 0x44, 0x6f, 0, 0, 0, 0, 0, 0]
      + [8, 1, 0x67, 0, 2, 0x75, 0x73, 0]
      + [0, 0, 0, 5, 0, 0, 0, 1, 0x78, 0]
    let message = try #require(try BusMessage.read(bytes))
    #expect(message.member == "Do" && message.serial == 1)
    #expect(try message.leadingTexts() == [nil, "x"])
  }

  @Test func `no truncated message and no changed byte causes a trap`() throws {
    let request = ScopeRequest(name: "a.scope", description: "ä", slice: "user-7.slice", processes: [1, 2, 3])
    var message = BusMessage(.call, serial: 1)
    message.path = "/org/freedesktop/systemd1"
    message.destination = "org.freedesktop.systemd1"
    message.signature = "ssa(sv)a(sa(sv))"
    message.body = request.body(survivesKills: true)
    let bytes = message.bytes
    for count in 0..<bytes.count {
      #expect(throws: BusError.self) { try BusMessage.read(Array(bytes[..<count])) }
      _ = try? BusMessage.length(of: bytes[..<count])
    }
    for index in bytes.indices {
      for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
        var changed = bytes
        changed[index] = value
        _ = try? BusMessage.read(changed)?.leadingTexts()
        _ = try? BusMessage.length(of: changed[...])
      }
    }
  }

  @Test func `a message over the limit is refused at once`() {
    for length in [BusMessage.sizeLimit as Int, Int(UInt32.max)] {
      var writer = BusWriter()
      for byte in [0x6c, 4, 1, 1] as [UInt8] { writer.byte(byte) }
      writer.uint32(UInt32(length))
      writer.uint32(1)
      writer.uint32(16)
      #expect(throws: BusError.tooLong) { try BusMessage.length(of: writer.bytes[...]) }
    }
  }
}
