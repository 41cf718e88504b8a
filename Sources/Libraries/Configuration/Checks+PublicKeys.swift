import Authentication

extension Checks {
  /// The content of the file of trusted CA keys.
  mutating func trustedUserCAKeys(_ path: String?) -> [UInt8]? {
    let key = "auth.publickey.trusted_user_ca_keys"
    guard let path, let bytes = content(of: path, limit: TrustedAuthorities.sizeLimit, key) else { return nil }
    do throws(TrustedAuthorities.ParseError) {
      if try TrustedAuthorities(bytes).keys.isEmpty { problem(key, "\(quoted(path)) contains no key") }
    } catch { problem(key, "line \(error.line) of \(quoted(path)): \(error.reason)") }
    return bytes
  }

  /// The content of the list of revoked keys. The configuration is refused if the list cannot be used.
  mutating func revokedKeys(_ path: String?) -> [UInt8]? {
    let key = "auth.publickey.revoked_keys"
    guard let path, let bytes = content(of: path, limit: RevocationList.sizeLimit, key) else { return nil }
    if let fault = hostEnvironment.revocationFault(bytes) { problem(key, "\(quoted(path)) cannot be used: \(fault)") }
    return bytes
  }

  /// Checks combinations of keys about certificates.
  mutating func checkAuthorities(_ variants: [Settings]) {
    let trusts = variants.contains { $0.auth.trustedUserCAKeys != nil }
    if !trusts, variants.contains(where: { $0.auth.authorizedPrincipalsPattern != nil }) {
      warning("auth.publickey.authorized_principals_pattern", "has no effect without trusted_user_ca_keys")
    }
    let isNull = { (auth: Settings.Auth) in auth.authorizedKeysDirectory == nil && auth.authorizedKeysPattern == nil }
    if trusts, variants.contains(where: { isNull($0.auth) }) {
      warning(
        "auth.publickey.authorized_keys_pattern",
        "null is the default, \(Settings.Auth.defaultKeysPattern), beside trusted_user_ca_keys; use none to read no file"
      )
    }
    let algorithms = variants.flatMap(\.server.publicKeyAlgorithms)
    let certificates = algorithms.contains { Certificate.plainAlgorithm($0) != nil }
    if trusts, !certificates || !variants.contains(where: { $0.auth.methods.contains(.publicKey) }) {
      let reason =
        certificates
        ? "publickey is not among auth.methods" : "server.publickey_algorithms contains no certificate algorithm"
      warning("auth.publickey.trusted_user_ca_keys", "no certificate is accepted: \(reason)")
    }
  }

  /// Why nobody can log in with a user's entry, whatever `match` blocks apply; nil: a login is possible.
  func proofFault(_ user: Settings.User, _ auths: [Settings.Auth]) -> String? {
    guard !user.isDisabled, user.passwordHash == nil, user.totpSecret == nil, user.authorizedKeys.isEmpty,
      auths.allSatisfy({ $0.trustedUserCAKeys == nil && !hasKeyFile(user, $0) })
    else { return nil }
    let name = "nobody can log in as \(quoted(user.name)): there is no password_hash"
    guard let account = user.runAs, auths.contains(where: { $0.effectiveKeysPattern != nil }) else {
      return "\(name), no authorized_keys and no file for them"
    }
    return "\(name) and no authorized_keys, and those of the account \(quoted(account)) only apply to its own name"
  }

  /// True if an authorized_keys file is read for this user. The actual home directory does not matter, only that it
  /// differs from those of others.
  private func hasKeyFile(_ user: Settings.User, _ auth: Settings.Auth) -> Bool {
    let home = "/%h"
    let paths =
      hostEnvironment.isRoot ? KeyPaths(auth, otherThan: user.runAs ?? user.name, home: home) : KeyPaths(auth)
    return paths.paths(user: user.name, home: user.home ?? home).contains { !$0.hasPrefix(KeyPaths.noHome + "/") }
  }

  private mutating func content(of path: String, limit: Int, _ key: String) -> [UInt8]? {
    switch hostEnvironment.read(path, limit) {
    case .success(let file): return trust(file, path, key) ? file.bytes : nil
    case .failure(let unreadable):
      self.unreadable(path, unreadable, key)
      return nil
    }
  }
}
