import Wire

// The binary format: OpenSSH's PROTOCOL.krl.
extension RevocationList {
  /// `SSHKRL
  /// ` and a NUL.
  static let magic: [UInt8] = Array("SSHKRL\n".utf8) + [0]

  /// Types of the sections in a list.
  private enum Section: UInt8 {
    case certificates = 1
    case keys = 2
    case sha1Fingerprints = 3
    case signature = 4
    case sha256Fingerprints = 5
    case extended = 255
  }

  /// Types of the subsections in a certificate section.
  private enum CertificatePart: UInt8 {
    case serialList = 0x20
    case serialRange = 0x21
    case serialBitmap = 0x22
    case keyIDs = 0x23
    case extended = 0x39
  }

  mutating func readBinary(_ bytes: [UInt8]) throws(RevocationListError) {
    do {
      try read(bytes)
    } catch let error as RevocationListError {
      throw error
    } catch { throw RevocationListError("the revocation list is damaged") }
  }

  private mutating func read(_ bytes: [UInt8]) throws {
    var reader = WireReader(bytes)
    _ = try reader.raw(Self.magic.count)
    let version = try reader.uint32()
    guard version == 1 else {
      throw RevocationListError("a revocation list of version \(version); only version 1 is supported")
    }
    // Number, date and flags of the list.
    for _ in 0..<3 { _ = try reader.uint64() }
    // A reserved field, and a comment.
    for _ in 0..<2 { _ = try reader.string() }
    while !reader.isAtEnd {
      let type = try reader.byte()
      guard let section = Section(rawValue: type) else {
        throw RevocationListError("a section of the unknown type \(type) in the revocation list")
      }
      if section == .signature {
        try readSignature(&reader, of: bytes)
        continue
      }
      guard signatures.isEmpty else { throw RevocationListError("a section after the signature of the list") }
      var content = WireReader(try reader.string())
      switch section {
      case .certificates: try readCertificates(&content)
      case .keys:
        while !content.isAtEnd {
          if let key = try Self.plainKey(Array(try content.string()), "a revoked key") { keys.insert(key) }
        }
      case .sha1Fingerprints:
        while !content.isAtEnd { sha1Fingerprints.insert(try Self.fingerprint(of: 20, from: &content)) }
      case .sha256Fingerprints:
        while !content.isAtEnd { sha256Fingerprints.insert(try Self.fingerprint(of: 32, from: &content)) }
      case .extended: try Self.readExtension(&content)
      case .signature: break
      }
      try content.end()
    }
    for authority in certificates.keys { certificates[authority]?.serials.order() }
  }

  private mutating func readSignature(_ reader: inout WireReader, of bytes: [UInt8]) throws {
    let blob = try reader.string()
    let signedCount = bytes.count - reader.count
    let key: PublicKey
    do throws(PublicKeyError) {
      key = try PublicKey(blob: blob)
    } catch { throw RevocationListError("the key that signed the list: \(error)") }
    signatures.append(Signature(key: key, blob: Array(try reader.string()), signedCount: signedCount))
  }

  private mutating func readCertificates(_ reader: inout WireReader) throws {
    var authority = Array(try reader.string())
    // A CA of an unsupported type cannot sign certificates that we accept. Its section must still not be taken for one
    // that applies to every CA, which has an empty key.
    if !authority.isEmpty { authority = try Self.plainKey(authority, "an authority") ?? authority }
    _ = try reader.string()
    while !reader.isAtEnd {
      let type = try reader.byte()
      guard let part = CertificatePart(rawValue: type) else {
        throw RevocationListError("certificates are revoked by the unknown type \(type)")
      }
      var content = WireReader(try reader.string())
      switch part {
      case .serialList:
        while !content.isAtEnd {
          let serial = try content.uint64()
          certificates[authority, default: Certificates()].serials.insert(serial...serial)
        }
      case .serialRange:
        let (first, last) = (try content.uint64(), try content.uint64())
        guard first <= last else { throw RevocationListError("a range of serial numbers ends before it begins") }
        certificates[authority, default: Certificates()].serials.insert(first...last)
      case .serialBitmap:
        let first = try content.uint64()
        let bits = Array(try content.unsignedMPInt(limit: SerialSet.bitmapLimit + 1))
        guard certificates[authority, default: Certificates()].serials.insert(bitmap: bits, from: first) else {
          throw RevocationListError("a bitmap of serial numbers exceeds the largest one")
        }
      case .keyIDs:
        while !content.isAtEnd {
          certificates[authority, default: Certificates()].keyIDs.insert(Array(try content.string()))
        }
      case .extended: try Self.readExtension(&content)
      }
      try content.end()
    }
  }

  private static func fingerprint(of count: Int, from reader: inout WireReader) throws -> [UInt8] {
    let bytes = Array(try reader.string())
    guard bytes.count == count else { throw RevocationListError("a fingerprint of \(bytes.count) bytes, not \(count)") }
    return bytes
  }

  /// No extension is known. A critical one makes the list unusable.
  private static func readExtension(_ reader: inout WireReader) throws {
    let name = String(decoding: try reader.string(), as: UTF8.self)
    let isCritical = try reader.boolean()
    _ = try reader.string()
    guard !isCritical else { throw RevocationListError("an unknown critical extension: '\(name)'") }
  }
}
