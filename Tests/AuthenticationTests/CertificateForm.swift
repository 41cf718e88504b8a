import Wire

@testable import Authentication

/// Builds certificates for tests: valid in everything that a test does not change, with a made-up signature.
struct CertificateForm {
  var type: String?
  var key = Keys.ed25519
  var serial: UInt64 = 7
  var kind: UInt32 = 1
  var keyID = Array("a key of anna".utf8)
  var principals = [Array("anna".utf8), Array("ops".utf8)]
  var validAfter: UInt64 = 1000
  var validBefore: UInt64 = 2000
  var critical: [(String, [UInt8])] = []
  var extensions: [(String, [UInt8])] = []
  var authority = Keys.rsa.blob
  var signature: [UInt8] = [1, 2, 3]
  var tail: [UInt8] = []

  init(_ change: (inout CertificateForm) -> Void = { _ in }) { change(&self) }

  /// Encodes an option's value that is one string.
  static func string(_ text: String) -> [UInt8] {
    var writer = WireWriter()
    writer.text(text)
    return writer.bytes
  }

  var blob: [UInt8] {
    var writer = WireWriter()
    let suffix = "-cert-v01@openssh.com"
    writer.text(type ?? key.type.split(separator: "@")[0] + suffix)
    writer.string(Array(repeating: 9, count: 32))
    var plain = WireReader(key.blob)
    _ = try? plain.string()
    writer.raw(plain.rest)
    writer.uint64(serial)
    writer.uint32(kind)
    writer.string(keyID)
    writer.string(Keys.blob(principals))
    writer.uint64(validAfter)
    writer.uint64(validBefore)
    for options in [critical, extensions] {
      var inner = WireWriter()
      for (name, data) in options {
        inner.text(name)
        inner.string(data)
      }
      writer.string(inner.bytes)
    }
    writer.string([])
    writer.string(authority)
    writer.string(signature)
    writer.raw(tail)
    return writer.bytes
  }

  /// Parses the built certificate.
  func certificate() throws(CertificateError) -> Certificate { try Certificate(blob: blob[...]) }
}
