import Foundation
import Testing

extension Interop {
  /// Shells and programs on a terminal.
  @Suite(.serialized) struct Terminals {
    private func terminal(
      _ claim: String, shell: Daemon.Keys = [:], sourceLocation: SourceLocation = #_sourceLocation,
      prepare: (Daemon.Preparation) throws -> Void = { _ in }
    ) throws {
      try withDaemon(shell: shell, sourceLocation: sourceLocation, prepare: prepare) { daemon throws in
        try daemon.claim("terminal.py", claim, sourceLocation: sourceLocation)
        eventually("nobody is left", sourceLocation: sourceLocation) { daemon.logins.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a login shell leads a session on a terminal of its user`() throws {
      try terminal("login-shell")
    }

    @Test(.timeLimit(.minutes(3))) func `control-D ends the shell`() throws { try terminal("end-of-file-key") }

    @Test(.timeLimit(.minutes(3))) func `the window size arrives in rows, columns and pixels, and so do its changes`()
      throws
    {
      try terminal("window-size")
    }

    @Test(.timeLimit(.minutes(3))) func `the modes of the client's terminal are applied to the server's`() throws {
      try terminal("terminal-modes")
    }

    @Test(.timeLimit(.minutes(3))) func `ten thousand keystrokes are echoed, one after the other`() throws {
      try terminal("keystrokes")
    }

    @Test(.timeLimit(.minutes(3))) func `control-C interrupts the foreground program`() throws {
      try terminal("interrupt-key")
    }

    @Test(.timeLimit(.minutes(3))) func `a break interrupts the program`() throws {
      try terminal("break-reaches-the-program")
    }

    @Test(.timeLimit(.minutes(3))) func `rekeying works while somebody types`() throws {
      try terminal("rekeying-while-typing")
    }

    @Test(.timeLimit(.minutes(3))) func `a program that is started with a terminal has one`() throws {
      try terminal("exec-with-a-terminal")
    }

    @Test(.timeLimit(.minutes(3))) func `the last output of a terminal arrives`() throws { try terminal("much-output") }

    @Test(.timeLimit(.minutes(3))) func `when the client disappears, the terminal hangs up`() throws {
      try terminal("vanished-client")
    }

    @Test(.timeLimit(.minutes(3))) func `the message of the day is for shells on a terminal`() throws {
      let write = { (files: Daemon.Preparation) in
        try Data("Today is a good day\n".utf8).write(to: URL(fileURLWithPath: "\(files.directory)/motd"))
      }
      try terminal("message-of-the-day", shell: ["motd": "DIRECTORY/motd"], prepare: write)
    }

    @Test(.timeLimit(.minutes(3))) func `without terminals a program still runs`() throws {
      try terminal("no-terminals", shell: ["pty": "false"])
    }
  }
}
