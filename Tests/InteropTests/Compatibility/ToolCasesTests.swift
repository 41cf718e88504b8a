import Foundation
import Testing

extension Interop {
  /// Programs and libraries that work over SSH, from Debian and PyPI.
  @Suite(.serialized) struct ToolCases {
    @Test(.timeLimit(.minutes(4)), arguments: [["restic", "borg"], ["duplicity", "rclone", "git"]])
    func `backups, synchronized folders and repositories are stored and restored`(tools: [String]) throws {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        for tool in tools { try daemon.tool(tool) }
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: canMount, "FUSE cannot be used here"))
    func `git, sqlite and tar work on an sshfs mount`() throws {
      try withDaemon { try $0.tool("sshfs") }
    }

    @Test(.timeLimit(.minutes(2))) func `clients and scanners of other projects log in and find the keys`() throws {
      try withPasswords(hostKeys: ["ed25519", "ecdsa 256", "rsa 3072"]) { daemon throws in
        for tool in ["dropbear", "putty", "scanners"] { try daemon.tool(tool) }
      }
    }

    @Test(.timeLimit(.minutes(6))) func `libraries of PHP, Ruby, Perl and Python run commands and transfer files`()
      throws
    {
      let folder = try Daemon.clientsEnvironment()
      try withPasswords(hostKeys: ["ed25519", "ecdsa 256", "rsa 3072"]) { daemon throws in
        for tool in ["php", "ruby", "perl", "fabric", "pssh"] {
          try daemon.tool(tool, environment: ["VENV": folder])
        }
      }
    }
  }
}
