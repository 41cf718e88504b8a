import Testing

extension Interop {
  /// Everyday uses of OpenSSH's clients that other servers have got wrong.
  @Suite(.serialized) struct OpenSSHCases {
    @Test(.timeLimit(.minutes(2))) func `background jobs keep what they have open, and nothing else`() throws {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "jobs-that-let-go-of-the-outputs-outlive-the-connection",
          "nohup-outlives-its-terminal", "a-job-on-the-output-holds-the-channel-and-not-the-status",
          "tmux-outlives-the-connection", "the-status-comes-while-input-is-unread")
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `programs start in a clean state, and a session continues whatever else is requested`()
      throws
    {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "a-program-starts-afresh", "probes-of-editors-are-answered",
          "a-variable-that-is-refused-does-no-harm", "a-session-goes-on-where-forwarding-is-asked-for",
          "a-client-without-a-session-goes-to-the-background")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `terminals work with scripts, keys, tmux and mosh`() throws {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "a-terminal-reads-a-script", "control-d-ends-what-reads-a-terminal",
          "a-terminal-without-a-name", "deaths-and-much-output-on-a-terminal",
          "the-terminal-has-its-name-and-only-where-there-is-one", "tmux-and-mosh-start-on-a-terminal")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `slow input and forty logins at once are served`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "it-does-not-matter-how-tcp-cuts-a-connection", "forty-logins-at-once", within: 150)
      }
    }

    @Test(.timeLimit(.minutes(2))) func `an agent may offer nineteen wrong keys before the right one`() throws {
      try withDaemon { try $0.claims("openssh_cases.py", "the-right-key-may-come-late") }
    }

    @Test(.timeLimit(.minutes(2))) func `scp transfers names with newlines and braces, past a start file with output`()
      throws
    {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "a-name-with-a-newline-is-brought", "braces-are-expanded",
          "a-noisy-start-file-is-no-protocol")
      }
    }
  }
}
