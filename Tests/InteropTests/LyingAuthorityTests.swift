import Foundation
import Testing

extension Interop {
  /// A compromised authority can accept users whom the rules permit, but nobody under another account.
  @Suite(.serialized, .enabled(if: isRoot, Comment(rawValue: needsRoot))) struct LyingAuthorities {
    private func withLie(
      _ lie: String, auth: Daemon.Keys = ["permit_root": "no"], userKeys: String = "",
      _ body: (Daemon) throws -> Void
    ) throws {
      let replace = { (files: Daemon.Preparation) in
        try files.standIn("lying_authority.py", for: "bssh-authority")
        let folder = "\(files.ownExecutables)/scripts"
        try FileManager.default.copyItem(
          atPath: "\(files.executables)/bssh-authority", toPath: "\(folder)/real-authority")
        try Data("\(lie)\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/lie"))
      }
      try withDaemon(auth: auth, userKeys: userKeys, prepare: replace, body)
    }

    @Test(.timeLimit(.minutes(3))) func `the control, an honest authority, accepts the user`() throws {
      try withLie("nothing") { daemon throws in
        #expect(try daemon.ssh("host", "id -u").output == "\(daemon.user.uid)\n")
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        "uid 0", "uid 4294967295", "uid 1", "gid 0", "gid 4294967295", "group 0", "group 42", "group 4294967295",
        "home /root", "home /var/lib", "shell /bin/bash", "name root",
      ])
    func `an authority's claims about the account are not used`(lie: String) throws {
      for root in ["no", "yes"] {
        try withLie(lie, auth: ["permit_root": root]) { daemon throws in
          let outcome = try daemon.ssh("host", "id; echo in")
          #expect(outcome.status == 255 && outcome.output.isEmpty, "\(lie): \(outcome.output)")
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["run_as: daemon", "run_as: nobody, home: /tmp"])
    func `an authority's claims are not used for a user with run_as`(keys: String) throws {
      try withLie("uid 0", userKeys: keys) { daemon throws in
        #expect(try daemon.ssh("host", "id").output.isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["/etc/shadow", "/etc/passwd", "/root/secret"])
    func `no file is read because of an authority's claims`(path: String) throws {
      try withLie("files \(path)") { daemon throws in
        // The user's own keys are read, as the user.
        #expect(try daemon.ssh("host", "id -u").output == "\(daemon.user.uid)\n")
        _ = try daemon.ssh("-l", "nosuchuser", "host", "id")
        try daemon.log.line(with: "stolen: ssh-ed25519 ")
        #expect(!daemon.log.all.contains("stolen: root:"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `an unknown user cannot log in because an authority claims that they exist`()
      throws
    {
      try withLie("exists") { daemon throws in
        #expect(try daemon.ssh("-l", "ghost", "host", "id").output.isEmpty)
        try daemon.log.line(with: "account of 'ghost' does not count")
        // The account exists, and a rule denies it: no verdict admits it.
        #expect(try daemon.ssh("-l", "root", "host", "id").output.isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a group that a rule denies is not hidden`() throws {
      let group = "interopdenied\(UInt32.random(in: 10_000...99_999))"
      try succeed("groupadd", group)
      defer { _ = try? run(["groupdel", group]) }
      try withLie("groups none", auth: ["deny_groups": "[\(group)]"]) { daemon throws in
        try succeed("usermod", "-a", "-G", group, daemon.user.name)
        #expect(try daemon.ssh("host", "id").output.isEmpty)
        try daemon.log.line(with: "group_denied")
      }
    }
  }
}
