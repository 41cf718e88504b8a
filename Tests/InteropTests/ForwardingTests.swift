import Foundation
import Testing

extension Interop {
  /// Connections that clients forward to targets, driven by OpenSSH, curl, Paramiko and a client that violates rules.
  @Suite(.serialized) struct Forwarding {
    /// The daemon's name service has only localhost, and a name server at 127.0.0.53; in a mount namespace of its own.
    private static let ownNames = [
      "unshare", "-m", "sh", "-c",
      "mount --bind DIRECTORY/resolv.conf /etc/resolv.conf && mount --bind DIRECTORY/nsswitch.conf /etc/nsswitch.conf "
        + "&& exec \"$@\"", "sh",
    ]

    private static func writeNames(_ files: Daemon.Preparation) throws {
      try Data("nameserver 127.0.0.53\n".utf8).write(to: URL(fileURLWithPath: "\(files.directory)/resolv.conf"))
      try Data("hosts: files dns\n".utf8).write(to: URL(fileURLWithPath: "\(files.directory)/nsswitch.conf"))
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        "local", "local-unix", "standard-streams", "socks", "jump", "stalled-readers", "impossible", "malformed",
        "requests-on-a-forward", "paramiko-channel", "no-more-sessions",
      ])
    func `clients forward connections`(claim: String) throws {
      try withDaemon { try $0.claim("forwarding.py", claim, within: 150) }
    }

    @Test(
      .timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)), arguments: ["local", "local-unix"])
    func `a daemon that is not root forwards as its own user`(claim: String) throws {
      try withDaemon(mode: .unprivileged) { try $0.claim("forwarding.py", claim) }
    }

    @Test(.timeLimit(.minutes(4)))
    func `a shell answers while a thousand connections are forwarded, and the end of each is recorded`() throws {
      try withDaemon(arguments: []) { daemon throws in
        try daemon.claim("forwarding.py", "thousand", within: 220)
        // One more was opened to see whether ssh listens.
        let closed = try daemon.events.events(1000, of: "forward_closed")
        #expect(closed.count { ($0.number("bytes_in") ?? 0) >= 5 && ($0.number("bytes_out") ?? 0) >= 5 } == 999)
      }
    }

    @Test(.timeLimit(.minutes(4))) func `100,000 channels get what the limit allows, and nobody else notices`() throws {
      try withDaemon(forwarding: ["max_channels": "10"], arguments: []) { daemon throws in
        // A journal with as many lines takes minutes to check; other tests check lines of the same kinds.
        daemon.keepsJournal = false
        try daemon.claim("forwarding.py", "hundred-thousand", within: 220)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a rule refuses with reason 1, a target with reason 2`() throws {
      let port = try Daemon.freePort()
      try withDaemon(forwarding: ["permit_open": "[\"127.0.0.1:\(port)\"]"]) {
        try $0.claim("forwarding.py", "refusals", environment: ["PERMITTED": String(port)])
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a compromised transport gets no forward that the rules do not permit`() throws
    {
      let port = try Daemon.freePort()
      let replace = { (files: Daemon.Preparation) in try files.standIn("lying_transport.py", for: "bssh-transport") }
      try withDaemon(forwarding: ["permit_open": "[\"127.0.0.1:\(port)\"]"], prepare: replace) {
        try $0.claim("lies.py", "forwards-that-are-not-granted", environment: ["PERMITTED": String(port)])
      }
    }

    @Test(.timeLimit(.minutes(3))) func `keys are exchanged while forwarded channels are busy`() throws {
      try withDaemon(server: ["rekey": "{bytes: 1MiB}"]) { try $0.claim("forwarding.py", "rekeyed", within: 150) }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `names that are not resolved in time are given up, and nothing else waits for them`() throws {
      try withDaemon(
        forwarding: ["connect_timeout": "3s"], launcher: Self.ownNames, prepare: Self.writeNames
      ) { try $0.claim("forwarding.py", "hanging-names") }
    }

    @Test(
      .timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)),
      arguments: ["transport", "session", "supervisor"])
    func `nothing is left of forwards when a process of the daemon is killed`(victim: String) throws {
      try withDaemon(launcher: Self.ownNames, prepare: Self.writeNames) { daemon throws in
        try daemon.claim("forwarding.py", "killed", environment: ["VICTIM": victim])
        if victim == "supervisor" { try daemon.restart(SIGKILL) }
      }
    }
  }
}
