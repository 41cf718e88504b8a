import Foundation
import Testing

extension Interop {
  /// What each process may do, as the kernel sees it.
  @Suite(.serialized) struct Privileges {
    @Test(.timeLimit(.minutes(1)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `each role runs as its own account, and the network's in a sandbox`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        for process in daemon.processes("bssh-transport") where !process.title.hasSuffix("zygote") {
          #expect(process.uid == getpwnam("bssh-transport").pointee.pw_uid)
          #expect(process.status("Groups").isEmpty)
          #expect(process.status("NoNewPrivs") == "1")
          #expect(process.status("Seccomp") == "2")
          for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(process.status(set) == "0000000000000000") }
          let root = "/proc/\(process.pid)/root"
          #expect(try FileManager.default.destinationOfSymbolicLink(atPath: root) == "/run/bssh/empty")
          #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/").isEmpty)
          for target in process.descriptors.values {
            let isKnown = ["socket:", "pipe:", "anon_inode:", "/dev/null"].contains { target.hasPrefix($0) }
            #expect(isKnown, "\(process.title) has \(target)")
          }
        }
        for process in daemon.processes("bssh-authority") {
          #expect(process.uid == getpwnam("bssh-authority").pointee.pw_uid)
          #expect(process.status("CapEff") == "0000000000000000")
        }
        let session = try #require(daemon.logins.first { $0.name == "bssh-session" })
        #expect(session.uid == daemon.user.uid)
        #expect(session.status("Gid").split(separator: "\t").allSatisfy { $0 == String(daemon.user.gid) })
        #expect(session.status("CapEff") == "0000000000000000")
        client.closeInput()
        #expect(try client.wait() == 0)
      }
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `no process of the daemon can be looked into by its own account`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        for process in daemon.processes where process.name.hasPrefix("bssh-") && process.name != "bssh-supervisor" {
          // A process that may not be dumped belongs to root in /proc.
          var entry = stat()
          stat("/proc/\(process.pid)/environ", &entry)
          #expect(entry.st_uid == 0, "\(process.title)")
        }
        client.closeInput()
        try client.wait()
      }
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `no transport holds a part of a private host key`() throws {
      try withDaemon(hostKeys: ["ed25519", "rsa", "ecdsa"]) { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        #expect(daemon.logins.contains { $0.name == "bssh-transport" })
        try daemon.claim("memory.py", "private-keys")
        client.closeInput()
        try client.wait()
      }
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `as an unprivileged user all is one user's, and the sandbox holds`() throws {
      try withDaemon(mode: .unprivileged) { daemon throws in
        try daemon.log.line(with: "not as root", "65533")
        #expect(try daemon.ssh("host", "id -u").output == "65533\n")
        #expect(try daemon.ssh("-l", "root", "host", "id -u").status == 255)
        #expect(try daemon.ssh("-l", "nobody", "host", "id -u").status == 255)
        try daemon.claim("terminal.py", "login-shell-of-one-user")
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        for process in daemon.processes where process.name.hasPrefix("bssh-") { #expect(process.uid == 65533) }
        for process in daemon.processes("bssh-transport") where !process.title.hasSuffix("zygote") {
          #expect(process.status("NoNewPrivs") == "1")
          #expect(process.status("Seccomp") == "2")
        }
        client.closeInput()
        try client.wait()
      }
    }
  }
}
