import COpenSSL

/// SHA-256 of bytes that come in parts, by libcrypto: a recording must not slow a terminal down.
final class RunningHash {
  /// nil when libcrypto has no memory.
  private let context: OpaquePointer?

  init() {
    context = EVP_MD_CTX_new()
    if let context { EVP_DigestInit_ex(context, EVP_sha256(), nil) }
  }

  deinit { EVP_MD_CTX_free(context) }

  func add(_ bytes: ArraySlice<UInt8>) {
    guard let context else { return }
    bytes.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
  }

  /// 32 bytes. Call it once.
  func finish() -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 32)
    if let context { EVP_DigestFinal_ex(context, &result, nil) }
    return result
  }

  /// Has libcrypto load what it needs, as long as it may.
  static func prepare() { _ = RunningHash().finish() }
}
