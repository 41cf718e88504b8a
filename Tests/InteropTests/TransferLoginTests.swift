import Foundation
import Testing

extension Interop {
  /// Logins for file transfer only, and how transfers end.
  @Suite(.serialized) struct TransferLogins {
    @Test(.timeLimit(.minutes(3)), arguments: ["/bin/sh", "/usr/sbin/nologin"])
    func `a user for file transfer only gets no shell and no command, but SFTP and SCP below the root`(
      loginShell: String
    ) throws {
      let keys = "sftp_only: true, root: \"%h/files\""
      try withDaemon(sftp: ["root": "/nonexistent"], userKeys: keys, loginShell: loginShell) { daemon throws in
        try daemon.makeLocalFile("in")
        try daemon.makeUserDirectory("files")
        let command = try daemon.ssh("host", "echo in")
        #expect(command.status == 126 && command.output.isEmpty)
        #expect(try daemon.shell("echo 'echo in' | $SSH -T host").output.isEmpty)
        #expect(try daemon.ssh("-tt", "host").status == 255)
        #expect(try daemon.ssh("host", "scp -t /; echo in").output.isEmpty)
        #expect(try daemon.sftp("put \(daemon.directory)/in /a").status == 0)
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:/b").status == 0)
        #expect(try daemon.scp("-O", "host:/a", "\(daemon.directory)/out").status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(daemon.user.home)/files")
        #expect(Set(names) == ["a", "b"])
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["no-forwarding", "no-programs"])
    func `a user for file transfer only cannot forward anything or start anything else`(claim: String) throws {
      let keys = "sftp_only: true, root: \"%h/files\""
      try withDaemon(userKeys: keys, loginShell: "/usr/sbin/nologin") { daemon throws in
        try daemon.makeUserDirectory("files")
        try daemon.claim("files_alone.py", claim)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `an upload whose client disappears is reported as interrupted`() throws {
      try withDaemon { daemon throws in
        try daemon.makeUserFile("there", "words")
        try daemon.claim("files_alone.py", "broken-off")
        try daemon.log.line(with: "upload", "/broken", "1000 bytes", "broken off")
        try daemon.log.line(with: "download", "/there", "3 bytes")
        let client = try daemon.startSSH("host", "scp -t half")
        try client.send("C0644 100 half\n0123456789")
        eventually(within: 15, "bytes of the upload") {
          (try? String(contentsOfFile: "\(daemon.user.home)/half", encoding: .utf8)) == "0123456789"
        }
        client.signal(SIGKILL)
        try daemon.log.line(with: "upload", "/half", "10 bytes", "broken off")
        try daemon.makeLocalFile("in")
        #expect(try daemon.sftp("put \(daemon.directory)/in whole").status == 0)
        #expect(!(try daemon.log.line(with: "upload", "/whole", "1048576 bytes")).contains("broken off"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a client cannot send signals to its transfers`() throws {
      try withDaemon { try $0.claim("files_alone.py", "no-signals") }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, "needs root: it mounts a small file system"))
    func `a full file system is reported to the client, and in the log with the reason`() throws {
      try withDaemon { daemon throws in
        try daemon.makeLocalFile("in")
        try daemon.makeUserDirectory("small")
        let place = "\(daemon.user.home)/small"
        let options = "size=64k,uid=\(daemon.user.uid),gid=\(daemon.user.gid)"
        try succeed("mount", "-t", "tmpfs", "-o", options, "tmpfs", place)
        defer { _ = try? run(["umount", "-l", place]) }
        // sftp(1) prints only "Failure" for this status; scp prints our message.
        let sftp = try daemon.sftp("put \(daemon.directory)/in small/a")
        #expect(sftp.status != 0 && sftp.errors.contains("Failure"), "\(sftp.errors)")
        try daemon.log.line(with: "upload", "small/a", "not all of it", "No space left on device")
        #expect(try daemon.sftp("rm small/a").status == 0)
        let scp = try daemon.scp("-O", "\(daemon.directory)/in", "host:small/b")
        #expect(scp.status != 0 && scp.errors.contains("No space left on device"), "\(scp.errors)")
        try daemon.log.line(with: "upload", "small/b", "not all of it", "No space left on device")
      }
    }
  }
}
