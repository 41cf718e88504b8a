import Authentication

extension Checks {
  /// The content of the file of trusted authorities.
  mutating func trustedUserCAKeys(_ path: String?) -> [UInt8]? {
    let key = "auth.publickey.trusted_user_ca_keys"
    guard let path, let bytes = content(of: path, limit: TrustedAuthorities.sizeLimit, key) else { return nil }
    do throws(TrustedAuthorities.Fault) {
      if try TrustedAuthorities(bytes).keys.isEmpty { problem(key, "\(quoted(path)) holds no key") }
    } catch { problem(key, "line \(error.line) of \(quoted(path)): \(error.reason)") }
    return bytes
  }

  /// The content of the list of revoked keys. One that cannot be used is no list without entries: nothing is loaded.
  mutating func revokedKeys(_ path: String?) -> [UInt8]? {
    let key = "auth.publickey.revoked_keys"
    guard let path, let bytes = content(of: path, limit: RevocationList.sizeLimit, key) else { return nil }
    if let fault = surroundings.revocationFault(bytes) { problem(key, "\(quoted(path)) cannot be used: \(fault)") }
    return bytes
  }

  /// What goes together.
  mutating func checkAuthorities(_ variants: [Settings]) {
    let trusts = variants.contains { $0.auth.trustedUserCAKeys != nil }
    if !trusts, variants.contains(where: { $0.auth.authorizedPrincipalsPattern != nil }) {
      warning("auth.publickey.authorized_principals_pattern", "has no effect without trusted_user_ca_keys")
    }
    let algorithms = variants.flatMap(\.server.publicKeyAlgorithms)
    let certificates = algorithms.contains { Certificate.plainAlgorithm($0) != nil }
    if trusts, !certificates || !variants.contains(where: { $0.auth.methods.contains(.publickey) }) {
      let reason =
        certificates ? "publickey is not among auth.methods" : "server.publickey_algorithms has none of theirs"
      warning("auth.publickey.trusted_user_ca_keys", "no certificate lets anybody in: \(reason)")
    }
  }

  private mutating func content(of path: String, limit: Int, _ key: String) -> [UInt8]? {
    switch surroundings.read(path, limit) {
    case .success(let file): return trust(file, path, key) ? file.bytes : nil
    case .failure(let unreadable):
      problem(key, "cannot read \(quoted(path)): \(unreadable.reason)")
      return nil
    }
  }
}
