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

    @Test(.timeLimit(.minutes(3))) func `a channel has the configured window and packet size`() throws {
      try withDaemon(server: ["window_size": "65536", "maximum_packet_size": "4096"]) { daemon throws in
        let outcome = try daemon.ssh("-v", "-v", "host", "true")
        #expect(outcome.errors.contains("rwindow 65536 rmax 4096"))
        #expect(try daemon.shell("head -c 300000 /dev/zero | $SSH host 'wc -c'").output == "300000\n")
      }
    }
  }
}
