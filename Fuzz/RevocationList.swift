import Authentication

/// Lists of revoked keys, as text and as KRL: what is parsed can be queried for every serial number.
func fuzz(_ bytes: [UInt8]) {
  guard let list = try? RevocationList(bytes) else { return }
  for signature in list.signatures { precondition(signature.signedCount < bytes.count) }
  let zeros = [UInt8](repeating: 0, count: 32)
  precondition(!list.revokes(.init(blob: [], sha1: [], sha256: [])))
  _ = list.revokes(.init(blob: Array(bytes.prefix(51)), sha1: Array(zeros.prefix(20)), sha256: zeros))
  for serial: UInt64 in [0, 1, 2, 7, 8, 100, 16384, 1 << 32, .max - 1, .max] {
    let isRevoked = list.revokes(serial: serial, keyID: [], of: [])
    precondition(serial > 0 || !isRevoked || list.revokes(serial: 0, keyID: [], of: []))
  }
}
