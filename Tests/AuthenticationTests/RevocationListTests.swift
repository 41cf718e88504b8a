import Testing
import Wire

@testable import Authentication

@Suite struct RevocationListTests {
  private func list(_ change: (inout RevocationForm) -> Void) throws -> RevocationList {
    var form = RevocationForm()
    change(&form)
    return try RevocationList(form.bytes)
  }

  private func key(_ key: PublicKey, sha1: UInt8 = 0, sha256: UInt8 = 0) -> RevocationList.Key {
    RevocationList.Key(
      blob: key.blob, sha1: Array(repeating: sha1, count: 20), sha256: Array(repeating: sha256, count: 32))
  }

  private func certificate(_ serial: UInt64, id: String = "id", by authority: PublicKey = Keys.rsa) throws
    -> Certificate
  {
    try CertificateForm {
      $0.serial = serial
      $0.keyID = Array(id.utf8)
      $0.authority = authority.blob
    }.certificate()
  }

  // MARK: Text

  @Test func `a text list contains one key per line`() throws {
    let text = "# revoked\n\n\(Keys.ed25519.text) a comment\n  \(Keys.all[2].text)\r\n"
    let list = try RevocationList(Array(text.utf8))
    for key in Keys.all { #expect(list.revokes(self.key(key)) == (key == Keys.ed25519 || key == Keys.all[2])) }
    #expect(!list.revokes(try certificate(7)))
  }

  @Test func `an empty list revokes nothing`() throws {
    for text in ["", "\n", "# nothing\n"] {
      let list = try RevocationList(Array(text.utf8))
      #expect(!list.revokes(key(Keys.ed25519)))
    }
  }

  @Test func `a certificate in a text list revokes its key`() throws {
    let form = CertificateForm()
    let text = "ssh-ed25519-cert-v01@openssh.com \(String(decoding: Base64.encode(form.blob), as: UTF8.self)) c\n"
    #expect(try RevocationList(Array(text.utf8)).revokes(key(Keys.ed25519)))
  }

  @Test func `keys of unsupported types are skipped and keys that are too small are revoked`() throws {
    let old = Keys.blob(Array("ssh-dss".utf8), [1])
    let small = Keys.rsa(bits: 1024)
    let text = "ssh-dss \(String(decoding: Base64.encode(old), as: UTF8.self))\n\(small.text)\n\(Keys.ed25519.text)\n"
    let list = try RevocationList(Array(text.utf8))
    #expect(list.revokes(key(Keys.ed25519)) && list.revokes(key(small)))
  }

  @Test(arguments: [
    "nonsense", "ssh-ed25519", "ssh-ed25519 AAA", "ssh-rsa \(Keys.ed25519.text.split(separator: " ")[1])",
    "from=\"*\" \(Keys.ed25519.text)", "ssh-foo AAAAB3NzaC1mb28=", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAAA==",
    "SSHKRL", "SHA256:abcdefgh", "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t",
  ])
  func `one line that is not a key makes the list unusable`(line: String) {
    #expect(throws: RevocationListError.self) {
      try RevocationList(Array("\(Keys.ed25519.text)\n\(line)\n\(Keys.rsa.text)\n".utf8))
    }
  }

  @Test func `an overlong line or a list that is too large is unusable`() {
    let tail = String(repeating: "x", count: TextLines.limit)
    #expect(throws: RevocationListError("line 1 is longer than 8192 bytes before its comment")) {
      try RevocationList(Array("ssh-ed25519 \(tail)".utf8))
    }
    #expect(throws: Never.self) { try RevocationList(Array("# \(tail)\n\(Keys.ed25519.text) \(tail)".utf8)) }
    #expect(throws: RevocationListError("it is larger than 8 MiB")) {
      try RevocationList([UInt8](repeating: 10, count: RevocationList.sizeLimit + 1))
    }
  }

  // MARK: Binary

  @Test func `keys and fingerprints of keys are revoked`() throws {
    let list = try list {
      $0.section(2, Keys.blob([Keys.ed25519.blob, Keys.all[2].blob]))
      $0.section(3, Keys.blob([Array(repeating: 5, count: 20)]))
      $0.section(5, Keys.blob([Array(repeating: 6, count: 32)]))
    }
    #expect(list.revokes(key(Keys.ed25519)) && list.revokes(key(Keys.all[2])))
    #expect(!list.revokes(key(Keys.rsa)))
    #expect(list.revokes(key(Keys.rsa, sha1: 5)) && list.revokes(key(Keys.rsa, sha256: 6)))
    #expect(!list.revokes(key(Keys.rsa, sha1: 6, sha256: 5)))
  }

  static let ways: [(UInt8, [UInt8], [UInt64], [UInt64])] = [
    (0x20, RevocationForm.numbers(5, 9, 7), [5, 7, 9], [4, 6, 8, 10]),
    (0x21, RevocationForm.numbers(10, 20), [10, 15, 20], [9, 21]),
    (0x21, RevocationForm.numbers(1, .max), [1, 15, .max], []),
    // 0b1_0000_0101: the first, third and ninth number.
    (0x22, RevocationForm.bitmap(from: 100, [1, 5]), [100, 102, 108], [99, 101, 103, 107, 109, 116]),
    (0x22, RevocationForm.bitmap(from: .max - 7, [0x81]), [.max - 7, .max], [.max - 8, .max - 1]),
    (0x22, RevocationForm.bitmap(from: 100, []), [], [100]),
  ]

  @Test(arguments: ways.indices) func `certificates are revoked by serial number`(index: Int) throws {
    let (type, content, revoked, others) = Self.ways[index]
    for authority in [Keys.rsa, nil] {
      let list = try list { $0.certificates(of: authority, [(type, content)]) }
      for serial in revoked { #expect(list.revokes(try certificate(serial)), "\(serial)") }
      for serial in others { #expect(!list.revokes(try certificate(serial)), "\(serial)") }
      // Another CA has its own numbers; an empty CA key stands for every CA.
      for serial in revoked {
        #expect(list.revokes(try certificate(serial, by: Keys.all[2])) == (authority == nil))
      }
    }
  }

  @Test func `serial number 0 means unnumbered and is never revoked`() throws {
    let list = try list {
      $0.certificates(of: nil, [(0x20, RevocationForm.numbers(0)), (0x21, RevocationForm.numbers(0, 9))])
    }
    #expect(!list.revokes(try certificate(0)))
    #expect(list.revokes(try certificate(1)))
  }

  @Test func `certificates are revoked by key ID`() throws {
    let ids = Keys.blob([Array("anna".utf8), Array("bert 2".utf8)])
    for authority in [Keys.rsa, nil] {
      let list = try list { $0.certificates(of: authority, [(0x23, ids)]) }
      #expect(list.revokes(try certificate(0, id: "anna")))
      #expect(list.revokes(try certificate(9, id: "bert 2")))
      #expect(!list.revokes(try certificate(9, id: "bert")))
      #expect(list.revokes(try certificate(9, id: "anna", by: Keys.all[2])) == (authority == nil))
    }
  }

  @Test func `several sections for one CA add up`() throws {
    let list = try list {
      $0.certificates(of: Keys.rsa, [(0x20, RevocationForm.numbers(5)), (0x21, RevocationForm.numbers(10, 20))])
      $0.certificates(of: nil, [])
      $0.certificates(
        of: Keys.rsa, [(0x22, RevocationForm.bitmap(from: 30, [1])), (0x20, RevocationForm.numbers(15, 40))])
    }
    for serial: UInt64 in [5, 10, 20, 30, 40] { #expect(list.revokes(try certificate(serial))) }
    for serial: UInt64 in [4, 6, 21, 29, 31, 39, 41] { #expect(!list.revokes(try certificate(serial))) }
  }

  @Test func `extensions that are not critical are ignored`() throws {
    let passed = RevocationForm.extended("x@example.com", critical: false, [1, 2])
    let list = try list {
      $0.section(255, passed)
      $0.certificates(of: nil, [(0x39, passed), (0x20, RevocationForm.numbers(5))])
    }
    #expect(list.revokes(try certificate(5)))
  }

  static let unusable: [(String, @Sendable (inout RevocationForm) -> Void)] = [
    ("another version", { $0 = RevocationForm(version: 2) }), ("an unknown section", { $0.section(6, []) }),
    ("an extension that must be known", { $0.section(255, RevocationForm.extended("x", critical: true)) }),
    ("an extension with more", { $0.section(255, RevocationForm.extended("x", critical: false) + [0]) }),
    (
      "such a one of certificates", { $0.certificates(of: nil, [(0x39, RevocationForm.extended("x", critical: true))]) }
    ),
    ("an unknown way", { $0.certificates(of: nil, [(0x24, [])]) }),
    ("half a number", { $0.certificates(of: nil, [(0x20, [0, 0, 0, 0, 0, 0, 0])]) }),
    ("a range that is one number", { $0.certificates(of: nil, [(0x21, RevocationForm.numbers(1))]) }),
    ("a range of three", { $0.certificates(of: nil, [(0x21, RevocationForm.numbers(1, 2, 3))]) }),
    ("a range backwards", { $0.certificates(of: nil, [(0x21, RevocationForm.numbers(2, 1))]) }),
    ("a bitmap beyond the last number", { $0.certificates(of: nil, [(0x22, RevocationForm.bitmap(from: .max, [2]))]) }),
    (
      "a bitmap that is too long",
      { $0.certificates(of: nil, [(0x22, RevocationForm.bitmap(from: 0, Array(repeating: 0x7f, count: 2050)))]) }
    ),
    ("a malformed key", { $0.section(2, Keys.blob([[1, 2, 3]])) }),
    ("a malformed authority", { $0.section(1, Keys.blob([1, 2, 3], [])) }),
    ("a short fingerprint", { $0.section(3, Keys.blob([Array(repeating: 0, count: 19)])) }),
    ("a long fingerprint", { $0.section(5, Keys.blob([Array(repeating: 0, count: 33)])) }),
    (
      "a section behind a signature",
      { form in
        form.raw([4] + Keys.blob([Keys.ed25519.blob, [1]]))
        form.section(255, RevocationForm.extended("x", critical: false))
      }
    ),
    ("a signature by no key", { $0.raw([4] + Keys.blob([[1], [1]])) }),
  ]

  @Test(arguments: unusable.indices) func `anything that is not understood makes a list unusable`(index: Int) throws {
    let (name, change) = Self.unusable[index]
    #expect(throws: RevocationListError.self, "\(name)") { try list(change) }
  }

  @Test func `a signature covers everything before it`() throws {
    var form = RevocationForm()
    form.section(2, Keys.blob([Keys.ed25519.blob]))
    let plain = form.bytes.count
    form.raw([4] + Keys.blob([Keys.rsa.blob]))
    let first = form.bytes.count
    form.raw(Keys.blob([[1, 2]]))
    form.raw([4] + Keys.blob([Keys.ed25519.blob]))
    let second = form.bytes.count
    form.raw(Keys.blob([[3]]))
    let list = try RevocationList(form.bytes)
    #expect(plain < first)
    #expect(
      list.signatures == [
        .init(key: Keys.rsa, blob: [1, 2], signedCount: first),
        .init(key: Keys.ed25519, blob: [3], signedCount: second),
      ])
  }

  @Test func `a truncated list is unusable or ends between sections and never traps`() throws {
    var form = RevocationForm()
    var ends: Set<Int> = [form.bytes.count]
    form.section(2, Keys.blob([Keys.ed25519.blob]))
    ends.insert(form.bytes.count)
    form.certificates(of: Keys.rsa, Self.ways.map { ($0.0, $0.1) })
    ends.insert(form.bytes.count)
    for length in RevocationList.magic.count...form.bytes.count {
      let list = try? RevocationList(Array(form.bytes[..<length]))
      #expect((list != nil) == ends.contains(length), "\(length)")
    }
    for place in form.bytes.indices {
      for change: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
        var bytes = form.bytes
        bytes[place] = change
        _ = try? RevocationList(bytes)
      }
    }
  }
}
