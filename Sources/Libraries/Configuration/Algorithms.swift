/// The algorithms that can be configured, in order of preference. Algorithms that are considered broken are not among
/// them.
public enum Algorithms {
  /// The hybrid key exchange of ML-KEM-768 and X25519, which resists quantum computers.
  public static let hybridKeyExchange = "mlkem768x25519-sha256"
  /// `server.kex`: key exchange methods.
  public static let keyExchanges = [
    hybridKeyExchange, "curve25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
  ]
  /// The default: all methods except that with the group of 2,048 bits.
  public static let defaultKeyExchanges = keyExchanges.filter { $0 != "diffie-hellman-group14-sha256" }
  /// `server.ciphers`: encryption algorithms.
  public static let ciphers = [
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr",
    "aes256-ctr",
  ]
  /// `server.macs`: MAC algorithms.
  public static let macs = [
    "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512",
  ]
  /// `server.host_key_algorithms`: signature algorithms of host keys.
  public static let hostKeys = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256",
  ]
  /// `server.publickey_algorithms`: public key algorithms of users' keys and certificates.
  public static let publicKeys = [
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
  ]
}
