import COpenSSL

/// SHA-256 of bytes that arrive in parts, by libcrypto, because a recording must not slow down a terminal.
final class RunningHash {
  /// nil when libcrypto could not allocate memory.
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

  /// The hash, 32 bytes. Call it once.
  func finish() -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 32)
    if let context { EVP_DigestFinal_ex(context, &result, nil) }
    return result
  }

  /// Makes libcrypto load what it needs, before the sandbox forbids that.
  static func prepare() { _ = RunningHash().finish() }
}
