import Testing
import Wire

@testable import Authentication

@Suite struct UserauthRequestTests {
  private static let whole: [WireWriter] = [
    Requests.bytes("none"), Requests.publicKeyBytes(signature: nil), Requests.publicKeyBytes(signature: [9, 9]),
    Requests.passwordBytes("geheim"), Requests.passwordBytes("old", new: "new"), Requests.keyboardInteractiveBytes(),
  ]

  @Test func `the fields of every method are parsed`() throws {
    #expect(Requests.parsed(Self.whole[0]).method == .none)
    guard case .publicKey(let offer) = Requests.parsed(Self.whole[1]).method,
      case .publicKey(let signed) = Requests.parsed(Self.whole[2]).method
    else {
      Issue.record("not publickey")
      return
    }
    #expect((offer.algorithm, offer.key, offer.signature) == ("ssh-ed25519", [1, 2, 3], nil))
    #expect(signed.signature == [9, 9])
    #expect(Requests.parsed(Self.whole[3]).method == .password(SecretBytes("geheim".utf8)))
    #expect(Requests.parsed(Self.whole[4]).method == .passwordChange)
    #expect(Requests.parsed(Self.whole[5]).method == .keyboardInteractive)
    #expect(Requests.other("hostbased").method == .other("hostbased"))
    #expect(Requests.parsed(Self.whole[0]).user == "anna")
    #expect(Requests.parsed(Self.whole[0]).service == "ssh-connection")
  }

  @Test func `a truncated request or one with trailing bytes is refused`() {
    for writer in Self.whole {
      for length in writer.bytes.indices {
        #expect(throws: UserauthError.self) { try UserauthRequest(payload: writer.bytes[..<length]) }
      }
      #expect(throws: UserauthError.message(.trailingBytes)) {
        try UserauthRequest(payload: (writer.bytes + [0])[...])
      }
    }
  }

  @Test func `a request parses the same from the middle of a larger buffer`() throws {
    for writer in Self.whole {
      let buffer = [0, 0, 0] + writer.bytes + [0, 0]
      #expect(try UserauthRequest(payload: buffer[3..<buffer.count - 2]) == Requests.parsed(writer))
    }
  }

  @Test(arguments: [
    ("a", true), (String(repeating: "a", count: 256), true), (String(repeating: "a", count: 257), false), ("", false),
    ("a b", true), ("an\u{e4}", true), ("a\nb", false), ("a\u{7f}", false), ("a\u{85}", false), ("a\0", false),
    ("\u{1b}[2J", false), ("../x", true),
  ])
  func `a user name is 1 to 256 bytes without control characters`(name: String, isAccepted: Bool) {
    let request = try? UserauthRequest(payload: Requests.bytes("none", user: name).bytes[...])
    #expect((request != nil) == isAccepted)
  }

  @Test func `a user name that is not UTF-8 is refused`() {
    var writer = WireWriter()
    writer.string([0xff, 0xfe])
    writer.text("ssh-connection")
    writer.text("none")
    #expect(throws: UserauthError.message(.malformed)) { try UserauthRequest(payload: writer.bytes[...]) }
  }

  @Test(arguments: ["", "a b", "a,b", "a\u{e9}", String(repeating: "x", count: 65)])
  func `names of services and methods are 1 to 64 printable characters`(name: String) {
    #expect(throws: UserauthError.self) {
      try UserauthRequest(payload: Requests.bytes("none", service: name).bytes[...])
    }
    #expect(throws: UserauthError.self) { try UserauthRequest(payload: Requests.bytes(name).bytes[...]) }
  }

  @Test(arguments: [(4096, true), (4097, false)])
  func `a password has at most 4096 bytes`(length: Int, isAccepted: Bool) {
    let writer = Requests.passwordBytes(String(repeating: "p", count: length))
    #expect(((try? UserauthRequest(payload: writer.bytes[...])) != nil) == isAccepted)
  }

  @Test func `lengths near the limit of 32 bits do not trap`() {
    for length: UInt32 in [.max, .max - 1, 1 << 31, 1 << 16] {
      var writer = Requests.bytes("password")
      writer.boolean(false)
      writer.uint32(length)
      #expect(throws: UserauthError.self) { try UserauthRequest(payload: writer.bytes[...]) }
    }
  }

  @Test func `the signed data is the session identifier, the message number and the request without the signature`() {
    let unsigned = Requests.publicKeyBytes(signature: []).bytes.dropLast(4)
    var expected = WireWriter()
    expected.string([5, 6])
    expected.byte(50)
    expected.raw(unsigned)
    #expect(Requests.publicKey(signature: [9]).signedData(sessionID: [5, 6]) == expected.bytes)
    #expect(Requests.none().signedData(sessionID: [5]) == nil)
  }

  @Test func `responses to prompts are parsed completely and bounded`() throws {
    #expect(try InfoResponse(payload: Requests.answerBytes(["a", ""])[...]).responses == [[97], []])
    let bytes = Requests.answerBytes(["geheim", "x"])
    for length in bytes.indices {
      #expect(throws: UserauthError.self) { try InfoResponse(payload: bytes[..<length]) }
    }
    #expect(throws: UserauthError.self) { try InfoResponse(payload: (bytes + [0])[...]) }
    #expect(try InfoResponse(payload: Requests.answerBytes(Array(repeating: "", count: 16))[...]).responses.count == 16)
    #expect(throws: UserauthError.self) {
      try InfoResponse(payload: Requests.answerBytes(Array(repeating: "", count: 17))[...])
    }
    #expect(throws: UserauthError.self) { try InfoResponse(payload: [0xff, 0xff, 0xff, 0xff]) }
  }
}
