import Testing
import Wire

@Suite struct SecretBytesTests {
  @Test func `wiping overwrites the bytes with zeros`() {
    var bytes = [UInt8](repeating: 0x5a, count: 1000)
    // In the middle, because the allocator writes to the ends of freed memory.
    let place = unsafe bytes.withUnsafeBufferPointer { unsafe $0.baseAddress! + 500 }
    bytes.wipe()
    let left = unsafe place.pointee
    #expect(bytes.isEmpty && left == 0)
  }

  @Test func `lent bytes are overwritten after the last reference`() {
    var place: UnsafePointer<UInt8>?
    let bytes = [UInt8](repeating: 0x5a, count: 1000)
    SecretBytes(bytes).lend { lent in
      place = unsafe lent.withUnsafeBufferPointer { unsafe $0.baseAddress! + 500 }
      #expect(lent == bytes)
    }
    let left = unsafe place?.pointee
    #expect(left == 0)
  }

  @Test func `secrets are equal if their bytes are`() {
    #expect(SecretBytes("secret".utf8) == SecretBytes(Array("secret".utf8)))
    for other in ["", "secre", "secrets", "Secret", "secrex"] {
      #expect(SecretBytes("secret".utf8) != SecretBytes(other.utf8))
    }
    #expect(SecretBytes([]) == [] && ([1, 2] as SecretBytes).lend { $0 == [1, 2] })
  }

  @Test func `the bytes of a secret are not printed, nor those in another value`() {
    struct Holder { let secret: SecretBytes }
    let secret = SecretBytes("hunter2".utf8)
    #expect("\(secret)" == "7 secret bytes" && String(reflecting: secret) == "7 secret bytes")
    for text in ["\(Holder(secret: secret))", "\([secret])", "\(String(describing: Optional(secret)))"] {
      #expect(!text.contains("hunter2") && !text.contains("104"))
    }
    var printed = ""
    dump(Holder(secret: secret), to: &printed)
    #expect(!printed.contains("hunter2") && !printed.contains("104"))
  }

  @Test func `a secret is encoded as a string`() throws {
    var writer = WireWriter(capacity: 1)
    writer.string(SecretBytes("geheim".utf8))
    #expect(writer.bytes == [0, 0, 0, 6] + Array("geheim".utf8))
    var reader = WireReader(writer.bytes)
    #expect(try reader.secret(limit: 6) == SecretBytes("geheim".utf8))
    var short = WireReader(writer.bytes)
    #expect(throws: WireError.tooLong) { try short.secret(limit: 5) }
  }

  @Test func `the capacity of a writer does not change its output`() {
    for capacity in [0, 1, 3, 64, 4096] {
      var writer = WireWriter(capacity: capacity)
      for number in 0..<200 {
        writer.byte(UInt8(number))
        writer.uint32(7)
        writer.uint64(8)
        writer.string([1, 2, 3])
      }
      var expected: [UInt8] = []
      for number in 0..<200 { expected += [UInt8(number), 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 3, 1, 2, 3] }
      #expect(writer.bytes == expected)
    }
  }
}
