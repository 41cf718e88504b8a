import Authentication
import Configuration
import Credentials
import IPC
import Testing
import Wire

@testable import Authority

@Suite struct HostKeyRingTests {
  // Never changed after initialization.
  private nonisolated(unsafe) static let keys: [HostKey] = {
    do { return [try .generate(.ed25519), try .generate(.rsa, bits: 2048), try .generate(.ecdsa)] } catch { return [] }
  }()

  private func signed(_ question: SupervisorToAuthority, _ configure: (inout Settings) -> Void = { _ in }) throws
    -> [UInt8]?
  {
    guard case .signed(let signature) = try authority(hostKeys: Self.keys, configure).ask(question) else { return nil }
    return signature
  }

  private func proved(_ question: SupervisorToAuthority, _ configure: (inout Settings) -> Void = { _ in }) throws
    -> [UInt8]?
  {
    guard case .proved(let payload) = try authority(hostKeys: Self.keys, configure).ask(question) else { return nil }
    return payload
  }

  @Test func `every key signs hashes of 32, 48 and 64 bytes`() throws {
    for key in Self.keys.map(\.publicKey) {
      for algorithm in key.signatureAlgorithms {
        for size in [32, 48, 64] {
          let hash = [UInt8](repeating: 5, count: size)
          let signature = try signed(.sign(hostKey: key.blob, algorithm: algorithm, hash: hash))
          try Verifier.verify(try #require(signature), over: hash, by: key, algorithm: algorithm)
        }
      }
    }
  }

  @Test(arguments: [0, 1, 20, 31, 33, 47, 49, 63])
  func `only hashes of a known length are signed`(size: Int) throws {
    let key = Self.keys[0].publicKey
    let hash = [UInt8](repeating: 5, count: size)
    #expect(try signed(.sign(hostKey: key.blob, algorithm: "ssh-ed25519", hash: hash)) == nil)
  }

  @Test func `unknown keys and algorithms that are not permitted sign nothing`() throws {
    let hash = [UInt8](repeating: 5, count: 32)
    let foreign = try HostKey.generate(.ed25519).publicKey
    #expect(try signed(.sign(hostKey: foreign.blob, algorithm: "ssh-ed25519", hash: hash)) == nil)
    let rsa = Self.keys[1].publicKey
    for algorithm in ["ssh-rsa", "ssh-ed25519", ""] {
      #expect(try signed(.sign(hostKey: rsa.blob, algorithm: algorithm, hash: hash)) == nil)
    }
    let question = SupervisorToAuthority.sign(hostKey: rsa.blob, algorithm: "rsa-sha2-256", hash: hash)
    #expect(try signed(question) { $0.server.hostKeyAlgorithms = ["rsa-sha2-512"] } == nil)
    #expect(try signed(question) { $0.server.hostKeyAlgorithms = ["rsa-sha2-256"] } != nil)
  }

  @Test(arguments: [
    ("ssh-ed25519", "rsa-sha2-512"), ("rsa-sha2-256", "rsa-sha2-256"), ("rsa-sha2-512", "rsa-sha2-512"),
  ])
  func `all keys are proved, RSA keys with the algorithm of the key exchange or the most preferred one`(
    exchange: String, rsa: String
  ) throws {
    let sessionID = [UInt8](repeating: 3, count: 32)
    let payload = try proved(
      .proveHostKeys(
        sessionID: sessionID, keyExchangeAlgorithm: exchange, keys: Self.keys.map(\.publicKey.blob)))
    var reader = WireReader(try #require(payload))
    for key in Self.keys.map(\.publicKey) {
      var data = WireWriter()
      data.text("hostkeys-prove-00@openssh.com")
      data.string(sessionID)
      data.string(key.blob)
      let algorithm = key.type == "ssh-rsa" ? rsa : key.type
      try Verifier.verify(Array(try reader.string()), over: data.bytes, by: key, algorithm: algorithm)
    }
    try reader.end()
  }

  @Test func `a proof for no key, an unknown key, too many keys or no session is refused`() throws {
    let sessionID = [UInt8](repeating: 3, count: 32)
    let blobs = Self.keys.map(\.publicKey.blob)
    let foreign = try HostKey.generate(.ed25519).publicKey.blob
    for keys in [[], [foreign], blobs + [foreign], blobs + blobs] {
      #expect(
        try proved(.proveHostKeys(sessionID: sessionID, keyExchangeAlgorithm: "ssh-ed25519", keys: keys)) == nil)
    }
    #expect(try proved(.proveHostKeys(sessionID: [], keyExchangeAlgorithm: "ssh-ed25519", keys: blobs)) == nil)
    #expect(
      try proved(.proveHostKeys(sessionID: sessionID, keyExchangeAlgorithm: "ssh-ed25519", keys: [blobs[1]])) {
        $0.server.hostKeyAlgorithms = ["ssh-ed25519"]
      } == nil)
  }
}
