import Authentication
import COpenSSL
import Wire

/// Unencrypted private keys in OpenSSH's own format: PROTOCOL.key of OpenSSH.
extension HostKey {
  /// Maximum size of a key file in bytes. An RSA key of 16384 bits needs about 13 KiB.
  public static let fileLimit = 64 << 10

  private static let begin = "-----BEGIN OPENSSH PRIVATE KEY-----"
  private static let end = "-----END OPENSSH PRIVATE KEY-----"
  private static let magic = Array("openssh-key-v1\0".utf8)

  /// Parses the content of a private key file.
  ///
  /// - Parameter name: the file name, for error messages.
  /// - Throws: `CredentialError.hostKey` if the content is too large, encrypted, in another format, damaged, or not a
  ///   key pair; `library` if libcrypto fails.
  public static func read(_ fileContent: [UInt8], name: String) throws(CredentialError) -> HostKey {
    guard fileContent.count <= fileLimit else { throw .hostKey("\(name): too large for a private key") }
    var body = try body(of: fileContent[...], name: name)
    defer { Secret.wipe(&body) }
    var envelope = WireReader(body)
    do {
      guard try envelope.raw(magic.count).elementsEqual(magic) else { throw WireError.malformed }
      let cipher = try envelope.text(limit: 64)
      let derivation = try envelope.text(limit: 64)
      _ = try envelope.string(limit: 1024)
      guard cipher == "none", derivation == "none" else {
        throw CredentialError.hostKey(
          "\(name): protected by a passphrase, which cannot be entered when a daemon starts; "
            + "'ssh-keygen -p -N \"\" -f \(name)' removes it")
      }
      guard try envelope.uint32() == 1 else { throw WireError.malformed }
      let outside = try PublicKey(blob: try envelope.string(limit: 16 << 10))
      let privatePart = try envelope.string()
      try envelope.end()
      return try key(from: privatePart, publicKey: outside)
    } catch let error as CredentialError {
      throw .hostKey(error.description.hasPrefix(name) ? error.description : "\(name): \(error)")
    } catch let error as PublicKeyError {
      throw .hostKey("\(name): \(error)")
    } catch {
      throw .hostKey("\(name): damaged: not a complete private key in OpenSSH's format")
    }
  }

  /// The content of a private key file, which ssh-keygen and ``read(_:name:)`` can read. The caller must erase it.
  ///
  /// - Throws: `CredentialError.library` if libcrypto fails.
  public func fileContent() throws(CredentialError) -> [UInt8] {
    var privatePart = try privatePart()
    defer { Secret.wipe(&privatePart) }
    var writer = WireWriter(capacity: privatePart.count + publicKey.blob.count + 256)
    writer.raw(Self.magic)
    writer.text("none")
    writer.text("none")
    writer.text("")
    writer.uint32(1)
    writer.string(publicKey.blob)
    writer.string(privatePart)
    var body = Self.taken(&writer)
    defer { Secret.wipe(&body) }
    var text = Base64.encode(body)
    defer { Secret.wipe(&text) }
    var content: [UInt8] = []
    content.reserveCapacity(text.count + text.count / 70 + 256)
    content += Array((Self.begin + "\n").utf8)
    for start in stride(from: 0, to: text.count, by: 70) {
      content += text[start..<min(start + 70, text.count)]
      content.append(UInt8(ascii: "\n"))
    }
    content += Array((Self.end + "\n").utf8)
    return content
  }

  /// The single line of the `.pub` file.
  public var publicFileContent: [UInt8] {
    Array((comment.isEmpty ? "\(publicKey.text)\n" : "\(publicKey.text) \(comment)\n").utf8)
  }

  private static func body(of content: ArraySlice<UInt8>, name: String) throws(CredentialError) -> [UInt8] {
    let lines = content.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
    guard let first = lines.first, first.elementsEqual(begin.utf8) else {
      if lines.first?.starts(with: "-----BEGIN ".utf8) == true {
        throw .hostKey(
          "\(name): a private key, but not in OpenSSH's format; 'ssh-keygen -p -N \"\" -f \(name)' converts it")
      }
      throw .hostKey("\(name): not a private key in OpenSSH's format; 'bssh-server gen-host-key' creates one")
    }
    var text: [UInt8] = []
    text.reserveCapacity(content.count)
    defer { Secret.wipe(&text) }
    guard lines.count >= 3, lines.last?.elementsEqual(end.utf8) == true else {
      throw .hostKey("\(name): truncated: the line '\(end)' is missing")
    }
    for line in lines[1..<lines.count - 1] { text += line }
    guard let body = Base64.decode(text) else { throw .hostKey("\(name): damaged: not Base64") }
    return body
  }

  private static func key(from bytes: ArraySlice<UInt8>, publicKey: PublicKey) throws -> HostKey {
    var reader = WireReader(bytes)
    guard bytes.count % 8 == 0, try reader.uint32() == reader.uint32(),
      try reader.text(limit: 64) == publicKey.type
    else { throw WireError.malformed }
    switch publicKey.material {
    case .ed25519(let point):
      guard try reader.string().elementsEqual(point) else { throw WireError.malformed }
      let secret = try reader.string()
      guard secret.count == 64, secret.suffix(32).elementsEqual(point) else { throw WireError.malformed }
      var seed = Array(secret.prefix(32))
      defer { Secret.wipe(&seed) }
      let key = try ed25519(seed: seed, comment: try ending(&reader))
      guard key.publicKey == publicKey else { throw WireError.malformed }
      return key
    case .ecdsa(let curve, let point):
      guard try reader.text(limit: 64) == curve.rawValue, try reader.string().elementsEqual(point) else {
        throw WireError.malformed
      }
      let scalar = BigNumber(try reader.unsignedMPInt())
      let comment = try ending(&reader)
      let handle = KeyHandle.make(
        type: "EC", isPrivate: true, group: curve.opensslName, octets: [("pub", point)], numbers: [("priv", scalar)])
      guard let handle else { throw WireError.malformed }
      return try HostKey(handle, publicKey: publicKey, comment: comment)
    case .rsa(let exponent, let modulus):
      guard try reader.unsignedMPInt().elementsEqual(modulus), try reader.unsignedMPInt().elementsEqual(exponent) else {
        throw WireError.malformed
      }
      guard !publicKey.isTooSmall else {
        throw CredentialError.hostKey(
          "the RSA key has \(publicKey.bits) bits; at least \(PublicKey.minimumRSABits) are required")
      }
      let d = BigNumber(try reader.unsignedMPInt())
      let coefficient = BigNumber(try reader.unsignedMPInt())
      let p = BigNumber(try reader.unsignedMPInt())
      let q = BigNumber(try reader.unsignedMPInt())
      let comment = try ending(&reader)
      guard let dp = d.modulo(oneLessThan: p), let dq = d.modulo(oneLessThan: q) else { throw WireError.malformed }
      let handle = KeyHandle.make(
        type: "RSA", isPrivate: true,
        numbers: [
          ("n", BigNumber(modulus)), ("e", BigNumber(exponent)), ("d", d), ("rsa-factor1", p), ("rsa-factor2", q),
          ("rsa-exponent1", dp), ("rsa-exponent2", dq), ("rsa-coefficient1", coefficient),
        ])
      guard let handle else { throw WireError.malformed }
      return try HostKey(handle, publicKey: publicKey, comment: comment)
    case .securityKeyEd25519, .securityKeyECDSA:
      throw CredentialError.hostKey("a security key cannot be a host key, because it requires a touch")
    }
  }

  /// Reads the comment and the padding bytes 1, 2, 3…; returns the comment.
  private static func ending(_ reader: inout WireReader) throws(WireError) -> String {
    let comment = try reader.text(limit: 1024)
    guard reader.count < 8, reader.rest.elementsEqual((0..<reader.count).map { UInt8($0 + 1) }) else {
      throw .malformed
    }
    return comment
  }

  private func privatePart() throws(CredentialError) -> [UInt8] {
    var writer = WireWriter(capacity: 16 << 10)
    let check = try randomBytes(4)
    writer.raw(check)
    writer.raw(check)
    writer.text(publicKey.type)
    switch publicKey.material {
    case .ed25519(let point):
      var seed = [UInt8](repeating: 0, count: 32)
      defer { Secret.wipe(&seed) }
      var count = seed.count
      guard EVP_PKEY_get_raw_private_key(handle.raw, &seed, &count) == 1, count == 32 else {
        throw .library("read an Ed25519 key")
      }
      writer.string(point)
      writer.uint32(64)
      writer.raw(seed)
      writer.raw(point)
    case .ecdsa(let curve, let point):
      writer.text(curve.rawValue)
      writer.string(point)
      try write("priv", to: &writer)
    case .rsa:
      for name in ["n", "e", "d", "rsa-coefficient1", "rsa-factor1", "rsa-factor2"] { try write(name, to: &writer) }
    case .securityKeyEd25519, .securityKeyECDSA:
      throw .library("write a key that is in a security key")
    }
    writer.text(comment)
    var pad: UInt8 = 0
    while writer.bytes.count % 8 != 0 {
      pad += 1
      writer.byte(pad)
    }
    return Self.taken(&writer)
  }

  private func write(_ name: String, to writer: inout WireWriter) throws(CredentialError) {
    guard let number = handle.number(name) else { throw .library("read the private key") }
    var magnitude = number.magnitude
    defer { Secret.wipe(&magnitude) }
    writer.unsignedMPInt(magnitude)
  }

  /// Returns the writer's bytes and releases the writer's reference, so that erasing them leaves no copy.
  private static func taken(_ writer: inout WireWriter) -> [UInt8] {
    let bytes = writer.bytes
    writer = WireWriter(capacity: 0)
    return bytes
  }
}
