/// The algorithms that may be configured, best first: none of them is known to be broken, and what is not here cannot be
/// named. What a list of defaults leaves out is for clients that have nothing better.
public enum Algorithms {
  /// The key exchange that a quantum computer does not break: ML-KEM-768 together with X25519.
  public static let hybridKeyExchange = "mlkem768x25519-sha256"
  public static let keyExchanges = [
    hybridKeyExchange, "curve25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
  ]
  /// Without the group of 2,048 bits. The curves of NIST come last: many clients have nothing else.
  public static let defaultKeyExchanges = keyExchanges.filter { $0 != "diffie-hellman-group14-sha256" }
  public static let ciphers = [
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr",
    "aes256-ctr",
  ]
  public static let macs = [
    "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512",
  ]
  public static let hostKeys = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256",
  ]
  public static let publicKeys = [
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
  ]
}
