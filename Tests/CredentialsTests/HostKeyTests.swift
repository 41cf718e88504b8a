import Authentication
import Foundation
import Testing

@testable import Credentials

@Suite struct HostKeyTests {
  @Test(arguments: KeyChoice.all)
  func `ssh-keygen reads the keys that we write`(choice: KeyChoice) throws {
    let scratch = try Scratch()
    let key = try HostKey.generate(choice.kind, bits: choice.bits, comment: "a host")
    try HostKeyFile.write(key, to: scratch.file("key"), force: false)

    let publicHalf = try Run.sshKeygen("-y", "-f", scratch.file("key"))
    #expect(publicHalf.status == 0)
    #expect(publicHalf.output == "\(key.publicKey.text) a host\n")

    let listing = try Run.sshKeygen("-l", "-f", scratch.file("key.pub"))
    #expect(
      listing.output
        == "\(choice.bits) \(key.publicKey.fingerprint) a host (\(choice.kind.rawValue.uppercased()))\n")
    #expect(key.publicKey.bits == choice.bits)
  }

  @Test(arguments: KeyChoice.all)
  func `we read the keys that ssh-keygen writes`(choice: KeyChoice) throws {
    let scratch = try Scratch()
    let made = try Run.sshKeygen(
      "-q", "-t", choice.kind.rawValue, "-b", "\(choice.bits)", "-N", "", "-C", "by them", "-f", scratch.file("key"))
    #expect(made.status == 0, "\(made.output)")
    let key = try HostKey.read(try scratch.bytes("key"), name: "key")
    #expect(key.comment == "by them")
    #expect(key.publicFileContent == (try scratch.bytes("key.pub")))
    #expect(try PublicKey(text: try scratch.bytes("key.pub").dropLast()[...]) == key.publicKey)
  }

  @Test(arguments: KeyChoice.all)
  func `a signature verifies with its own public key and data only`(choice: KeyChoice) throws {
    let key = try HostKey.generate(choice.kind, bits: choice.bits)
    let data = Array("an exchange hash".utf8)
    for algorithm in key.publicKey.signatureAlgorithms {
      let signature = try key.sign(data, algorithm: algorithm)
      try Verifier.verify(signature, over: data, by: key.publicKey, algorithm: algorithm)
      #expect(throws: Verifier.Failure.signature) {
        try Verifier.verify(signature, over: data + [0], by: key.publicKey, algorithm: algorithm)
      }
      for other in ["ssh-rsa", "ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256"]
      where other != algorithm {
        #expect(throws: Verifier.Failure.algorithm) {
          try Verifier.verify(signature, over: data, by: key.publicKey, algorithm: other)
        }
      }
      for length in signature.indices {
        #expect(throws: Verifier.Failure.self) {
          try Verifier.verify(Array(signature[..<length]), over: data, by: key.publicKey, algorithm: algorithm)
        }
      }
      var damaged = signature
      damaged[damaged.count - 1] ^= 1
      #expect(throws: Verifier.Failure.signature) {
        try Verifier.verify(damaged, over: data, by: key.publicKey, algorithm: algorithm)
      }
    }
  }

  @Test func `a key does not sign with an algorithm of another type or with SHA-1`() throws {
    let rsa = try HostKey.generate(.rsa, bits: 2048)
    #expect(throws: CredentialError.self) { try rsa.sign([1], algorithm: "ssh-rsa") }
    #expect(throws: CredentialError.self) { try rsa.sign([1], algorithm: "ssh-ed25519") }
  }

  @Test(arguments: [
    (HostKey.Kind.rsa, 2047), (.rsa, 16385), (.rsa, 0), (.ecdsa, 255), (.ecdsa, 512), (.ed25519, 255), (.rsa, -1),
  ])
  func `sizes that a key type does not have are refused`(kind: HostKey.Kind, bits: Int) {
    #expect(throws: CredentialError.self) { try HostKey.generate(kind, bits: bits) }
  }

  @Test func `the default sizes are 3072, 256 and 256 bits`() throws {
    #expect(try HostKey.generate(.rsa).publicKey.bits == 3072)
    #expect(try HostKey.generate(.ecdsa).publicKey.bits == 256)
    #expect(try HostKey.generate(.ed25519).publicKey.type == "ssh-ed25519")
  }

  @Test(arguments: [KeyChoice.all[0], KeyChoice.all[1], KeyChoice.all[4]])
  func `a truncated or damaged file is refused and never traps`(choice: KeyChoice) throws {
    let key = try HostKey.generate(choice.kind, bits: choice.bits)
    let content = try key.fileContent()
    #expect(try HostKey.read(content, name: "key").publicKey == key.publicKey)
    for length in 0..<content.count - 1 {
      #expect(throws: CredentialError.self) { try HostKey.read(Array(content[..<length]), name: "key") }
    }
    // A changed bit is refused or, for example in the comment, has no effect.
    for index in stride(from: 0, to: content.count, by: choice.kind == .rsa ? 17 : 1) {
      var damaged = content
      damaged[index] ^= 4
      if let read = try? HostKey.read(damaged, name: "key") { #expect(read.publicKey == key.publicKey) }
    }
  }

  @Test func `a private key that does not belong to the public key is refused`() throws {
    let scratch = try Scratch()
    let one = try HostKey.generate(.ecdsa)
    let other = try HostKey.generate(.ecdsa)
    let mixed = KeyHandle.make(
      type: "EC", isPrivate: true, group: "P-256",
      octets: [("pub", try one.handle.point())], numbers: [("priv", try #require(other.handle.number("priv")))])
    #expect(throws: CredentialError.self) {
      try HostKey(try #require(mixed), publicKey: one.publicKey, comment: "")
    }
    _ = scratch
  }

  @Test func `a key with a passphrase or in another format is refused with a hint how to convert it`() throws {
    let scratch = try Scratch()
    _ = try Run.sshKeygen("-q", "-t", "ed25519", "-N", "geheim", "-f", scratch.file("locked"))
    #expect(message(of: try scratch.bytes("locked")).contains("'ssh-keygen -p -N \"\" -f key' removes it"))
    _ = try Run.sshKeygen("-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", scratch.file("pem"))
    #expect(message(of: try scratch.bytes("pem")).contains("'ssh-keygen -p -N \"\" -f key' converts it"))
    #expect(message(of: Array("hello".utf8)).contains("gen-host-key"))
    #expect(message(of: []).contains("gen-host-key"))
    _ = try Run.sshKeygen("-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", scratch.file("small"))
    #expect(message(of: try scratch.bytes("small")).contains("1024 bits"))
  }

  private func message(of content: [UInt8]) -> String {
    do throws(CredentialError) {
      _ = try HostKey.read(content, name: "key")
      return ""
    } catch { return error.description }
  }
}

@Suite struct HostKeyFileTests {
  @Test func `the key file is readable by its owner only, the public key by all, and no temporary file remains`() throws
  {
    let scratch = try Scratch()
    let key = try HostKey.generate(.ed25519)
    try HostKeyFile.write(key, to: scratch.file("key"), force: false)
    #expect(try mode(scratch.file("key")) == 0o600)
    #expect(try mode(scratch.file("key.pub")) == 0o644)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["key", "key.pub"])
  }

  @Test(arguments: ["key", "key.pub"])
  func `without force neither file is replaced`(name: String) throws {
    let scratch = try Scratch()
    try scratch.write([1, 2, 3], to: name)
    let key = try HostKey.generate(.ed25519)
    #expect(throws: CredentialError.exists(scratch.file(name))) {
      try HostKeyFile.write(key, to: scratch.file("key"), force: false)
    }
    #expect(try scratch.bytes(name) == [1, 2, 3])
    try HostKeyFile.write(key, to: scratch.file("key"), force: true)
    #expect(try HostKey.read(try scratch.bytes("key"), name: "key").publicKey == key.publicKey)
    #expect(try scratch.bytes("key.pub") == key.publicFileContent)
  }

  @Test(arguments: [false, true])
  func `at no moment is a public key beside the private key of another pair`(force: Bool) throws {
    let scratch = try Scratch()
    if force { try HostKeyFile.write(try HostKey.generate(.ed25519), to: scratch.file("key"), force: false) }
    let key = try HostKey.generate(.ed25519)
    var steps = 0
    try HostKeyFile.write(key, to: scratch.file("key"), force: force) {
      steps += 1
      guard let bytes = try? scratch.bytes("key.pub") else { return }
      let beside = try? HostKey.read(try scratch.bytes("key"), name: "key")
      #expect(beside?.publicFileContent == bytes)
    }
    #expect(steps == (force ? 3 : 2))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["key", "key.pub"])
    #expect(try scratch.bytes("key.pub") == key.publicFileContent)
  }

  @Test func `a pair that cannot be written leaves the private key of before, or none`() throws {
    let scratch = try Scratch()
    let key = try HostKey.generate(.ed25519)
    try HostKeyFile.write(key, to: scratch.file("key"), force: false)
    try FileManager.default.removeItem(atPath: scratch.file("key.pub"))
    try FileManager.default.createDirectory(atPath: scratch.file("key.pub"), withIntermediateDirectories: false)
    #expect(throws: CredentialError.self) {
      try HostKeyFile.write(try HostKey.generate(.ed25519), to: scratch.file("key"), force: true)
    }
    #expect(try HostKey.read(try scratch.bytes("key"), name: "key").publicKey == key.publicKey)
    // Somebody creates the public key meanwhile.
    let other = scratch.file("other")
    #expect(throws: CredentialError.exists(other + ".pub")) {
      try HostKeyFile.write(key, to: other, force: false) { try? scratch.write([1], to: "other.pub") }
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["key", "key.pub", "other.pub"])
  }

  @Test func `the error names a directory that does not exist`() throws {
    let key = try HostKey.generate(.ed25519)
    #expect {
      try HostKeyFile.write(key, to: "/nonexistent/key", force: false)
    } throws: { "\($0)".contains("/nonexistent/key: open") && "\($0)".contains("No such file") }
  }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }
}
