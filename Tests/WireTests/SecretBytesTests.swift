import Testing
import Wire

@Suite struct SecretBytesTests {
  @Test func `wiping leaves zeros where the bytes were`() {
    var bytes = [UInt8](repeating: 0x5a, count: 1000)
    // In the middle: what the allocator writes at the ends of free memory is left alone.
    let place = unsafe bytes.withUnsafeBufferPointer { unsafe $0.baseAddress! + 500 }
    bytes.wipe()
    let left = unsafe place.pointee
    #expect(bytes.isEmpty && left == 0)
  }

  @Test func `bytes that are lent are overwritten, also when nothing else holds them`() {
    var place: UnsafePointer<UInt8>?
    let bytes = [UInt8](repeating: 0x5a, count: 1000)
    SecretBytes(bytes).lend { lent in
      place = unsafe lent.withUnsafeBufferPointer { unsafe $0.baseAddress! + 500 }
      #expect(lent == bytes)
    }
    let left = unsafe place?.pointee
    #expect(left == 0)
  }

  @Test func `what is compared is the bytes`() {
    #expect(SecretBytes("secret".utf8) == SecretBytes(Array("secret".utf8)))
    for other in ["", "secre", "secrets", "Secret", "secrex"] {
      #expect(SecretBytes("secret".utf8) != SecretBytes(other.utf8))
    }
    #expect(SecretBytes([]) == [] && ([1, 2] as SecretBytes).lend { $0 == [1, 2] })
  }

  @Test func `a secret is not printed, nor what it is part of`() {
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

  @Test func `a secret goes through a message like any string`() throws {
    var writer = WireWriter(capacity: 1)
    writer.string(SecretBytes("geheim".utf8))
    #expect(writer.bytes == [0, 0, 0, 6] + Array("geheim".utf8))
    var reader = WireReader(writer.bytes)
    #expect(try reader.secret(limit: 6) == SecretBytes("geheim".utf8))
    var short = WireReader(writer.bytes)
    #expect(throws: WireError.tooLong) { try short.secret(limit: 5) }
  }

  @Test func `a writer that starts too small writes the same`() {
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
