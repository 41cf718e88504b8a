import Authentication
import Credentials
import IPC
import Wire

/// A CA whose key the test holds.
struct CertificateAuthority {
  let key: HostKey
  var algorithm: String

  init(_ kind: HostKey.Kind = .ed25519, bits: Int? = nil, algorithm: String? = nil) throws {
    key = try HostKey.generate(kind, bits: bits)
    self.algorithm = algorithm ?? key.publicKey.signatureAlgorithms[0]
  }

  /// The fields of a certificate: valid in everything that a test does not change.
  struct Form {
    var serial: UInt64 = 7
    var kind: UInt32 = 1
    var keyID = Array("anna's laptop".utf8)
    var principals = ["anna"]
    var validAfter: UInt64 = 0
    var validBefore: UInt64 = .max
    var critical: [(String, String?)] = []
    var extensions = ["permit-pty"]
  }

  /// Issues a certificate for `key`; `tamper` changes it after signing.
  func certify(
    _ key: PublicKey, _ change: (inout Form) -> Void = { _ in }, tamper: (inout [UInt8]) -> Void = { _ in }
  ) throws -> [UInt8] {
    var form = Form()
    change(&form)
    var writer = WireWriter()
    writer.text(key.type.split(separator: "@")[0] + "-cert-v01@openssh.com")
    writer.string(try randomBytes(32))
    var plain = WireReader(key.blob)
    _ = try plain.string()
    writer.raw(plain.rest)
    writer.uint64(form.serial)
    writer.uint32(form.kind)
    writer.string(form.keyID)
    writer.string(strings(form.principals))
    writer.uint64(form.validAfter)
    writer.uint64(form.validBefore)
    var critical = WireWriter()
    for (name, value) in form.critical {
      critical.text(name)
      critical.string(value.map { strings([$0]) } ?? [])
    }
    writer.string(critical.bytes)
    var extensions = WireWriter()
    for name in form.extensions {
      extensions.text(name)
      extensions.string([])
    }
    writer.string(extensions.bytes)
    writer.string([])
    writer.string(self.key.publicKey.blob)
    writer.string(try self.key.sign(writer.bytes, algorithm: algorithm))
    var certificate = writer.bytes
    tamper(&certificate)
    return certificate
  }

  private func strings(_ texts: [String]) -> [UInt8] {
    var writer = WireWriter()
    for text in texts { writer.text(text) }
    return writer.bytes
  }
}
