import Foundation
import Testing

extension Interop {
  /// Configuration keys that clients notice: each of these tests fails if the key is parsed and ignored.
  @Suite(.serialized) struct KeyEffects {
    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        ("host_key_algorithms", "[rsa-sha2-512]", "HostKeyAlgorithms=ssh-ed25519", "HostKeyAlgorithms=rsa-sha2-512"),
        ("ciphers", "[aes256-ctr]", "Ciphers=aes128-ctr", "Ciphers=aes256-ctr"),
        (
          "kex", "[ecdh-sha2-nistp384]", "KexAlgorithms=curve25519-sha256", "KexAlgorithms=ecdh-sha2-nistp384"
        ),
      ])
    func `an algorithm that is not configured is not available`(
      key: String, value: String, refused: String, taken: String
    ) throws {
      try withDaemon(server: [key: value], hostKeys: ["ed25519", "rsa"]) { daemon throws in
        #expect(try daemon.ssh("-o", refused, "host", "true").status == 255)
        #expect(try daemon.ssh("-o", "StrictHostKeyChecking=no", "-o", taken, "host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a MAC that is not configured is not available`() throws {
      try withDaemon(server: ["macs": "[hmac-sha2-512]"]) { daemon throws in
        let cipher = ["-o", "Ciphers=aes128-ctr", "-o"]
        #expect(try daemon.shell("$SSH \(cipher.joined(separator: " ")) MACs=hmac-sha2-256 host true").status == 255)
        #expect(
          try daemon.shell("$SSH \(cipher.joined(separator: " ")) MACs=hmac-sha2-512 host echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a user's key of an algorithm that is not configured cannot log in`() throws {
      try withDaemon(server: ["publickey_algorithms": "[ecdsa-sha2-nistp256]"]) { daemon throws in
        #expect(try daemon.ssh("host", "true").status == 255)
        try daemon.log.line(with: "key_type_refused")
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `clients see the version addendum, and a reload changes it for new connections`() throws {
      let longest = String(repeating: "~", count: 221)
      try withDaemon(server: ["version_addendum": "\"Debian 12 (x)\""]) { daemon throws in
        let first = "exec 3<>/dev/tcp/127.0.0.1/\(daemon.port) && head -n 1 <&3"
        #expect(try daemon.shell(first).output == "SSH-2.0-OpenSSH_compatible_bssh Debian 12 (x)\r\n")
        let outcome = try daemon.ssh("-v", "host", "true")
        #expect(outcome.status == 0)
        #expect(outcome.errors.contains("remote software version OpenSSH_compatible_bssh Debian 12 (x)"))
        let text = try daemon.configuration
        try daemon.reload(text.replacingOccurrences(of: "Debian 12 (x)", with: longest))
        let line = try daemon.shell(first).output
        #expect(line == "SSH-2.0-OpenSSH_compatible_bssh \(longest)\r\n")
        #expect(line.utf8.count == 255)
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        try daemon.reload(text.replacingOccurrences(of: "\"Debian 12 (x)\"", with: "~"))
        #expect(try daemon.shell(first).output == "SSH-2.0-OpenSSH_compatible_bssh\r\n")
        for refused in [" a", "a ", "a\nb", "a\rb", "a\tb", "é", longest + "~"] {
          let checked = try run(
            [daemon.server, "check-config", "-c", "\(daemon.directory)/server.yaml"],
            environment: ["BSSH_SERVER_VERSION_ADDENDUM": refused])
          #expect(checked.status != 0)
          let reason = "is not allowed: 1 to 221 characters of printable ASCII, no blank first or last"
          #expect(
            checked.errors.contains("server.version_addendum: '") && checked.errors.contains(reason), "\(refused)")
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a channel has the configured window and packet size`() throws {
      try withDaemon(server: ["window_size": "65536", "maximum_packet_size": "4096"]) { daemon throws in
        let outcome = try daemon.ssh("-v", "-v", "host", "true")
        #expect(outcome.errors.contains("rwindow 65536 rmax 4096"))
        #expect(try daemon.shell("head -c 300000 /dev/zero | $SSH host 'wc -c'").output == "300000\n")
      }
    }
  }
}
