import Authentication
import Credentials
import IPC
import Wire

/// The host keys and the operations that sign with them.
struct HostKeyRing {
  private let keys: [HostKey]
  private let algorithms: [String]

  /// - Parameter algorithms: the signature algorithms that the configuration permits for host keys.
  init(_ keys: [HostKey], algorithms: [String]) {
    self.keys = keys
    self.algorithms = algorithms
  }

  /// The public keys, in the order of the configuration.
  var offers: [OfferedHostKey] {
    keys.map(\.publicKey).map { OfferedHostKey(blob: $0.blob, description: "\($0.type) \($0.fingerprint)") }
  }

  /// Signs an exchange hash of 32, 48 or 64 bytes. nil for another length, an unknown key, or an algorithm that does
  /// not belong to the key or is not permitted. RFC 4253, section 8
  func sign(_ hash: [UInt8], with blob: [UInt8], algorithm: String) -> [UInt8]? {
    guard [32, 48, 64].contains(hash.count), algorithms.contains(algorithm), let key = key(blob),
      key.publicKey.signatureAlgorithms.contains(algorithm)
    else { return nil }
    return try? key.sign(hash, algorithm: algorithm)
  }

  /// The payload of the reply to hostkeys-prove-00@openssh.com: one signature per key. nil if a key is unknown, or if
  /// there are no keys or more than we have. OpenSSH's PROTOCOL, section 2.5
  ///
  /// An RSA key signs with the algorithm of the key exchange if that was an RSA algorithm, otherwise with the most
  /// preferred one permitted.
  func prove(_ blobs: [[UInt8]], sessionID: [UInt8], keyExchangeAlgorithm: String) -> [UInt8]? {
    guard (1...max(keys.count, 1)).contains(blobs.count), (32...64).contains(sessionID.count) else { return nil }
    var payload = WireWriter(capacity: 1024)
    for blob in blobs {
      guard let key = key(blob) else { return nil }
      let allowed = key.publicKey.signatureAlgorithms.filter(algorithms.contains)
      guard let algorithm = allowed.contains(keyExchangeAlgorithm) ? keyExchangeAlgorithm : allowed.first else {
        return nil
      }
      var data = WireWriter(capacity: 128 + blob.count)
      data.text("hostkeys-prove-00@openssh.com")
      data.string(sessionID)
      data.string(blob)
      guard let signature = try? key.sign(data.bytes, algorithm: algorithm) else { return nil }
      payload.string(signature)
    }
    return payload.bytes
  }

  private func key(_ blob: [UInt8]) -> HostKey? { keys.first { $0.publicKey.blob == blob } }
}
