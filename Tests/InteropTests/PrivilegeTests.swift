import Foundation
import Testing

extension Interop {
  /// The privileges of each process, as the kernel shows them.
  @Suite(.serialized) struct Privileges {
    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `each role runs as its own account, and the network process in a sandbox`() throws {
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
          #expect(process.status("NoNewPrivs") == "1")
          #expect(process.status("Seccomp") == "2")
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

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `no process of the daemon can be inspected by its own account`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        for process in daemon.processes where process.name.hasPrefix("bssh-") && process.name != "bssh-supervisor" {
          // In /proc, a process that is not dumpable belongs to root.
          var entry = stat()
          stat("/proc/\(process.pid)/environ", &entry)
          #expect(entry.st_uid == 0, "\(process.title)")
        }
        client.closeInput()
        try client.wait()
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `an installed transfer process cannot be inspected from its first moment on`() throws {
      try withDaemon { daemon throws in
        let folder = (daemon.server as NSString).deletingLastPathComponent
        let who = ["UID": "\(daemon.user.uid)", "GID": "\(daemon.user.gid)"]
        try daemon.claim(
          "racer.py", "cannot-be-looked-into",
          environment: ["TRANSFER": "\(folder)/bssh-transfer"].merging(who) { $1 }, within: 100)
      }
    }

    /// To the kernel the number 4294967295 means "leave unchanged": root, in a process that root starts.
    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `an account with the reserved id as user, group or one of its groups cannot log in`() throws {
      let prepare = { (preparation: Daemon.Preparation) in
        let passwd = try String(contentsOfFile: "/etc/passwd", encoding: .utf8)
        let group = try String(contentsOfFile: "/etc/group", encoding: .utf8)
        let home = "\(preparation.directory)/nobodies"
        try Data(
          """
          \(passwd)maxuid:x:4294967295:20004::\(home):/bin/sh
          maxgid:x:20004:4294967295::\(home):/bin/sh
          maxgroup:x:20004:20004::\(home):/bin/sh
          plain:x:20004:20004::\(home):/bin/sh

          """.utf8
        ).write(to: URL(fileURLWithPath: "\(preparation.directory)/passwd"))
        try Data("\(group)none:x:4294967295:maxgroup\n".utf8)
          .write(to: URL(fileURLWithPath: "\(preparation.directory)/group"))
        try FileManager.default.createDirectory(atPath: "\(home)/.ssh", withIntermediateDirectories: true)
      }
      let names =
        "mount --bind DIRECTORY/passwd /etc/passwd && mount --bind DIRECTORY/group /etc/group && exec \"$@\""
      try withDaemon(
        auth: ["permit_root": "no"], launcher: ["unshare", "--mount", "sh", "-c", names, "sh"], prepare: prepare
      ) { daemon throws in
        let keys = try String(contentsOfFile: daemon.user.authorizedKeys, encoding: .utf8)
        try Data(keys.utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/nobodies/.ssh/authorized_keys"))
        for name in ["maxuid", "maxgid", "maxgroup"] {
          let outcome = try daemon.ssh("-l", name, "host", "id")
          #expect(outcome.status == 255 && outcome.output.isEmpty, "\(name): \(outcome.output)")
          try daemon.log.line(with: "'\(name)' cannot log in: lookup_failed")
        }
        #expect(try daemon.ssh("-l", "plain", "host", "id -u; id -g").output == "20004\n20004\n")
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `no transport contains a part of a private host key`() throws {
      try withDaemon(hostKeys: ["ed25519", "rsa", "ecdsa"]) { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        #expect(daemon.logins.contains { $0.name == "bssh-transport" })
        try daemon.claim("memory.py", "private-keys")
        client.closeInput()
        try client.wait()
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `without root all processes are one user's, and the sandbox is in effect`() throws {
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

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a program that users cannot execute is reported at the start, once, with its mode`() throws {
      func prepare(_ preparation: Daemon.Preparation) throws {
        let bin = "\(preparation.directory)/bin"
        try Daemon.copyExecutables(from: preparation.executables, to: bin)
        chmod("\(bin)/bssh-transfer", 0o700)
      }
      try withDaemon(prepare: prepare) { daemon throws in
        let line = "users cannot start '\(daemon.directory)/bin/bssh-transfer': its mode is 700, and 711 would let them"
        try daemon.log.line(with: line)
        #expect(daemon.log.all.components(separatedBy: "users cannot start").count == 2)
        let check = try run([daemon.server, "check-config", "-q", "-c", "\(daemon.directory)/server.yaml"])
        #expect(check.status == 0 && check.errors.contains("warning: \(line)"), "\(check.errors)")
      }
    }
  }
}
