import Foundation
import Testing

extension Interop {
  /// Files by SFTP and SCP, through the daemon.
  @Suite(.serialized) struct Transfers {
    @Test(.timeLimit(.minutes(3))) func `sftp supports everything that its commands can request`() throws {
      try withDaemon { daemon throws in
        try daemon.makeLocalFile("in", megabytes: 20)
        let outcome = try daemon.sftp(
          """
          mkdir d
          put \(daemon.directory)/in d/a
          rename d/a d/b
          ln -s b d/link
          chmod 640 d/b
          get d/link \(daemon.directory)/out
          ls -l d
          mkdir e
          rmdir e
          put \(daemon.directory)/in d/c
          rm d/c
          """)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("-rw-r-----"))
        #expect(try daemon.digest("\(daemon.directory)/out") == daemon.digest("\(daemon.directory)/in"))
        #expect(try daemon.digest("\(daemon.user.home)/d/b") == daemon.digest("\(daemon.directory)/in"))
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(daemon.user.home)/d")
        #expect(Set(names) == ["b", "link"])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(daemon.user.home)/d/link") == "b")
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.user.home)/e"))
        try daemon.log.line(with: "channel 0: SFTP started")
        try daemon.log.line(with: "upload", "/d/a", "20971520 bytes")
        try daemon.log.line(with: "delete", "/d/c")
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["", "-O"])
    func `scp works in both directions with either protocol, with trees, times and permissions`(option: String) throws {
      try withDaemon { daemon throws in
        let script = """
          set -e
          cd $DIRECTORY
          mkdir -p tree/sub
          head -c 3M /dev/urandom >tree/one; echo two >'tree/sub/two words'; chmod 751 tree/one
          touch -d '2001-02-03 04:05:06' tree/one 'tree/sub/two words' tree/sub
          scp \(option) -S $SSH -q -r -p tree host:there
          scp \(option) -S $SSH -q -r -p host:there back
          list() { (cd $1 && find . -printf '%P %m %y %s\\n' | sort; find . -type f -printf '%T@ %P\\n' | sort
                    find . -type f -exec sha256sum {} + | sort); }
          diff <(list tree) <(list back) && diff <(list tree) <(list $USER_HOME/there) && echo same
          """
        let outcome = try daemon.shell(script)
        #expect(outcome.output == "same\n", "\(outcome.output)\(outcome.errors)")
        try daemon.log.line(with: option.isEmpty ? "SFTP started" : "SCP started")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a disabled protocol is refused, the other works`() throws {
      try withDaemon(sftp: ["enabled": "false"]) { daemon throws in
        try daemon.makeLocalFile("in")
        #expect(try daemon.sftp("ls").status != 0)
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:in").status == 0)
      }
      try withDaemon(scp: ["enabled": "false"]) { daemon throws in
        try daemon.makeLocalFile("in")
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:in").status != 0)
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.user.home)/in"))
        #expect(try daemon.ssh("host", "echo a shell is there").status == 0)
        #expect(try daemon.scp("-s", "\(daemon.directory)/in", "host:in").status == 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `with read-only nothing can be changed by either protocol`() throws {
      try withDaemon(sftp: ["read_only": "true"]) { daemon throws in
        try daemon.makeLocalFile("in")
        try daemon.makeUserFile("there", "words")
        for command in ["put \(daemon.directory)/in new", "rm there", "mkdir d", "chmod 600 there", "rename there t"] {
          #expect(try daemon.sftp(command).status != 0, "\(command)")
        }
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:new").status != 0)
        #expect(try daemon.sftp("get there \(daemon.directory)/out").status == 0)
        #expect(try daemon.scp("-O", "host:there", "\(daemon.directory)/out").status == 0)
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.user.home)/new"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a root is all that the client can see`() throws {
      try withDaemon(sftp: ["root": "\"%h/files\""]) { daemon throws in
        try daemon.makeLocalFile("in")
        try daemon.makeUserFile("secret", "secret\n")
        try daemon.makeUserDirectory("files")
        symlink("\(daemon.user.home)/secret", "\(daemon.user.home)/files/absolute")
        symlink("../secret", "\(daemon.user.home)/files/up")
        #expect(try daemon.sftp("pwd").output.contains("Remote working directory: /\n"))
        let out = "\(daemon.directory)/out"
        for path in ["absolute", "up", "/../secret", "\(daemon.user.home)/secret", "/etc/passwd"] {
          #expect(try daemon.sftp("get \(path) \(out)").status != 0, "\(path)")
          #expect(try daemon.scp("-O", "host:\(path)", out).status != 0, "\(path)")
        }
        #expect(!FileManager.default.fileExists(atPath: out))
        #expect(try daemon.sftp("put \(daemon.directory)/in /a").status == 0)
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:/b").status == 0)
        for name in ["a", "b"] {
          #expect(try daemon.digest("\(daemon.user.home)/files/\(name)") == daemon.digest("\(daemon.directory)/in"))
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `SCP can have a root of its own`() throws {
      try withDaemon(scp: ["root": "\"DIRECTORY/%u/in\""]) { daemon throws in
        try daemon.makeLocalFile("in")
        try daemon.makeUserDirectory("in")
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:/x").status == 0)
        #expect(FileManager.default.fileExists(atPath: "\(daemon.user.home)/in/x"))
        #expect(try daemon.sftp("ls \(daemon.user.home)/in/x").status == 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a missing root refuses transfers, and the log says why`() throws {
      try withDaemon(sftp: ["root": "\"%h/missing\""]) { daemon throws in
        #expect(try daemon.sftp("ls /").status != 0)
        try daemon.log.line(with: "channel 0:", "missing cannot be entered")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `no file grows beyond its limit`() throws {
      try withDaemon(sftp: ["max_file_size": "1MiB"], scp: ["max_file_size": "2MiB"]) { daemon throws in
        for megabytes in 1...3 { try daemon.makeLocalFile("in\(megabytes)", megabytes: megabytes) }
        #expect(try daemon.sftp("put \(daemon.directory)/in1 a").status == 0)
        let refused = try daemon.sftp("put \(daemon.directory)/in2 b")
        #expect(refused.status != 0)
        // sftp(1) prints "Failure" whatever the message is; the log says why.
        try daemon.log.line(with: "upload", "/b", "not all of it", "File too large")
        try daemon.claim("paramiko_sftp.py", "too-large")
        let size = try FileManager.default.attributesOfItem(atPath: "\(daemon.user.home)/b")[.size] as? Int
        #expect(size ?? 0 <= 1 << 20)
        #expect(try daemon.scp("-O", "\(daemon.directory)/in2", "host:c").status == 0)
        let tooLarge = try daemon.scp("-O", "\(daemon.directory)/in3", "host:d")
        #expect(tooLarge.status != 0 && tooLarge.errors.contains("File too large"), "\(tooLarge.errors)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `new files do not get the bits of the umask`() throws {
      try withDaemon(shell: ["umask": "\"002\""], sftp: ["umask": "\"077\""]) { daemon throws in
        try daemon.makeLocalFile("in")
        chmod("\(daemon.directory)/in", 0o666)
        #expect(try daemon.sftp("put \(daemon.directory)/in a\nmkdir d").status == 0)
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:b").status == 0)
        #expect(try daemon.ssh("host", "stat -c %a a b d").output == "600\n600\n700\n")
      }
      try withDaemon(shell: ["umask": "\"027\""]) { daemon throws in
        try daemon.makeLocalFile("in")
        chmod("\(daemon.directory)/in", 0o666)
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:b").status == 0)
        #expect(try daemon.ssh("host", "stat -c %a b").output == "640\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the number of open files of a client is limited`() throws {
      try withDaemon(sftp: ["max_handles": "5"]) { try $0.claim("paramiko_sftp.py", "five-handles") }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["prefetch", "tree"])
    func `Paramiko's SFTP client is served like OpenSSH's`(claim: String) throws {
      try withDaemon { try $0.claim("paramiko_sftp.py", claim) }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/rsync")))
    func `rsync transfers a tree and finds nothing to do the second time`() throws {
      try withDaemon { daemon throws in
        let script = """
          set -e
          cd $DIRECTORY; mkdir -p tree/sub; head -c 3M /dev/urandom >tree/one; echo two >tree/sub/two
          rsync -a -e $SSH tree/ host:there/
          rsync -a -e $SSH host:there/ back/
          diff -r tree back && rsync -ai -e $SSH tree/ host:there/ && echo same
          """
        let outcome = try daemon.shell(script)
        #expect(outcome.output == "same\n", "\(outcome.errors)")
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      .enabled(if: (try? run(["curl", "--version"]))?.output.contains(" sftp") == true, "curl knows no SFTP"))
    func `curl uploads and downloads by both protocols`() throws {
      try withDaemon(hostKeys: ["ecdsa 256", "rsa 3072"]) { daemon throws in
        try succeed("ssh-keygen", "-q", "-t", "ecdsa", "-m", "PEM", "-N", "", "-f", "\(daemon.directory)/pem")
        try daemon.user.authorize(try String(contentsOfFile: "\(daemon.directory)/pem.pub", encoding: .utf8))
        let script = """
          set -e
          cd $DIRECTORY; head -c 3M /dev/urandom >in
          options="-sS -k -u $LOGIN: --key pem --pubkey pem.pub"
          for scheme in sftp scp; do
            curl $options -T in $scheme://127.0.0.1:$PORT$USER_HOME/$scheme
            curl $options -o out $scheme://127.0.0.1:$PORT$USER_HOME/$scheme
            cmp in out && cmp in $USER_HOME/$scheme && echo same
          done
          """
        let outcome = try daemon.shell(script)
        #expect(outcome.output == "same\nsame\n", "\(outcome.errors)")
      }
    }
  }
}
