import Foundation
import Testing

extension Interop {
  /// Every algorithm that OpenSSH and we have in common, each with repeated key exchanges.
  @Suite(.serialized) struct Algorithms {
    private static let keyExchanges = [
      "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
      "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512",
      "diffie-hellman-group18-sha512",
    ]
    private static let hostKeys = ["ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256"]
    private static let authenticated = [
      "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
    ]
    private static let plain = ["aes128-ctr", "aes192-ctr", "aes256-ctr"]
    private static let macs = [
      "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512",
    ]
    /// Data that cannot be compressed and does not repeat.
    private static let data = "head -c 4M /dev/zero | openssl enc -aes-128-ctr -K 01 -iv 00 2>/dev/null"

    /// Sends 4 MB in both directions at once with these options; returns the directions that were altered or not
    /// rekeyed.
    private func roundTrips(_ daemon: Daemon, _ combinations: [[String]]) throws -> [String] {
      var failed: [String] = []
      for options in combinations {
        let words = (options + ["RekeyLimit=1M"]).map { "-o \($0)" }.joined(separator: " ")
        let script = "set -o pipefail; \(Self.data) | $SSH -v \(words) host cat | sha256sum"
        let outcome = try daemon.shell(
          "wanted=$(\(Self.data) | sha256sum); got=$(\(script)); test \"$wanted\" = \"$got\"")
        let exchanges = outcome.errors.components(separatedBy: "SSH2_MSG_NEWKEYS received").count - 1
        if outcome.status != 0 || exchanges < 3 {
          failed.append("\(options): \(exchanges)\n\(outcome.errors.suffix(500))")
        }
      }
      return failed
    }

    @Test(.timeLimit(.minutes(2)), arguments: keyExchanges)
    func `key exchange and rekeying work with every type of host key`(method: String) throws {
      try withDaemon(server: ["kex": "[\(method)]"], hostKeys: ["ed25519", "rsa 2048", "ecdsa 256"]) { daemon throws in
        // The largest group is slow: one host key type is enough for it.
        let types = method.contains("group18") ? ["ssh-ed25519"] : Self.hostKeys
        let combinations = types.map { ["KexAlgorithms=\(method)", "HostKeyAlgorithms=\($0)"] }
        #expect(try roundTrips(daemon, combinations) == [])
      }
    }

    @Test(
      .timeLimit(.minutes(3)), arguments: [("ecdsa 384", "ecdsa-sha2-nistp384"), ("ecdsa 521", "ecdsa-sha2-nistp521")])
    func `the larger curves sign as host keys`(type: String, algorithm: String) throws {
      try withDaemon(hostKeys: [type]) { daemon throws in
        #expect(try roundTrips(daemon, [["HostKeyAlgorithms=\(algorithm)"]]) == [])
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `every cipher works with every MAC, across rekeying by the client and by the server`() throws {
      try withDaemon(server: ["rekey": "{bytes: 3MiB}"]) { daemon throws in
        let combinations =
          Self.authenticated.map { ["Ciphers=\($0)"] }
          + Self.plain.flatMap { cipher in Self.macs.map { ["Ciphers=\(cipher)", "MACs=\($0)"] } }
        #expect(try roundTrips(daemon, combinations) == [])
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the server rekeys by itself`() throws {
      try withDaemon(server: ["rekey": "{bytes: 1MiB}"]) { daemon throws in
        let outcome = try daemon.ssh("-v", "host", "head -c 5M /dev/zero")
        #expect(outcome.status == 0)
        #expect(outcome.output.utf8.count == 5 << 20)
        #expect(outcome.errors.components(separatedBy: "SSH2_MSG_NEWKEYS received").count > 3)
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `algorithms that are not configured are not negotiated`() throws {
      let server = [
        "ciphers": "[aes256-gcm@openssh.com]", "kex": "[ecdh-sha2-nistp256]", "macs": "[hmac-sha2-512]",
      ]
      try withDaemon(server: server) { daemon throws in
        let outcome = try daemon.ssh("-v", "host", "echo in")
        #expect(outcome.output == "in\n")
        #expect(outcome.errors.contains("kex: algorithm: ecdh-sha2-nistp256"))
        #expect(outcome.errors.contains("cipher: aes256-gcm@openssh.com"))
        let other = try daemon.ssh("-o", "Ciphers=aes128-ctr", "host", "echo in")
        #expect(other.status == 255)
        #expect(other.output.isEmpty)
      }
    }

    @Test(
      .timeLimit(.minutes(3)), arguments: ["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"])
    func `a client that supports only NIST curves gets in, and others use something better`(method: String) throws {
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("-o", "KexAlgorithms=\(method)", "host", "echo in").output == "in\n")
        let both = try daemon.ssh("-v", "-o", "KexAlgorithms=diffie-hellman-group18-sha512,\(method)", "host", "true")
        #expect(both.errors.contains("kex: algorithm: diffie-hellman-group18-sha512"))
      }
    }

    @Test(
      .timeLimit(.minutes(3)), arguments: ["KexAlgorithms=diffie-hellman-group1-sha1", "HostKeyAlgorithms=ssh-rsa"])
    func `weak algorithms are not offered`(option: String) throws {
      try withDaemon(hostKeys: ["ed25519", "rsa"]) { daemon throws in
        let outcome = try daemon.ssh("-o", option, "host", "echo in")
        #expect(outcome.status == 255)
        #expect(outcome.output.isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `clients learn the server's other host keys`() throws {
      try withDaemon(hostKeys: ["ed25519", "rsa", "ecdsa"]) { daemon throws in
        let known = "\(daemon.directory)/learned"
        let line = try String(contentsOfFile: "\(daemon.directory)/known_hosts", encoding: .utf8)
          .split(separator: "\n")[0]
        try Data("\(line)\n".utf8).write(to: URL(fileURLWithPath: known))
        let options = ["-o", "UpdateHostKeys=yes", "-o", "UserKnownHostsFile=\(known)"]
        let client = try daemon.startSSH(options + ["host", "cat"])
        eventually("all three are known") {
          let learned = (try? String(contentsOfFile: known, encoding: .utf8)) ?? ""
          return ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"].allSatisfy { learned.contains($0) }
        }
        client.closeInput()
        #expect(try client.wait() == 0)
      }
    }
  }
}
