import Testing

extension Interop {
  /// What OpenSSH's clients are used for day by day, and other servers have got wrong.
  @Suite(.serialized) struct OpenSSHCases {
    @Test(.timeLimit(.minutes(2))) func `jobs in the background hold what they have open, and nothing else`() throws {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "jobs-that-let-go-of-the-outputs-outlive-the-connection",
          "nohup-outlives-its-terminal", "a-job-on-the-output-holds-the-channel-and-not-the-status",
          "tmux-outlives-the-connection", "the-status-comes-while-input-is-unread")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `programs start afresh, and a session goes on whatever is asked for beside it`()
      throws
    {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "a-program-starts-afresh", "probes-of-editors-are-answered",
          "a-variable-that-is-refused-does-no-harm", "a-session-goes-on-where-forwarding-is-asked-for",
          "a-client-without-a-session-goes-to-the-background")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `terminals carry scripts, keys, tmux and mosh`() throws {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "a-terminal-reads-a-script", "control-d-ends-what-reads-a-terminal",
          "a-terminal-without-a-name", "deaths-and-much-output-on-a-terminal",
          "the-terminal-has-its-name-and-only-where-there-is-one", "tmux-and-mosh-start-on-a-terminal")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `lines that drip and forty logins at once are served`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "it-does-not-matter-how-tcp-cuts-a-connection", "forty-logins-at-once", within: 150)
      }
    }

    @Test(.timeLimit(.minutes(2))) func `an agent may offer nineteen wrong keys before the right one`() throws {
      try withDaemon { try $0.claims("openssh_cases.py", "the-right-key-may-come-late") }
    }

    @Test(.timeLimit(.minutes(2))) func `scp brings names with newlines and in braces, past a noisy start file`() throws
    {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        try daemon.claims(
          "openssh_cases.py", "a-name-with-a-newline-is-brought", "braces-are-expanded",
          "a-noisy-start-file-is-no-protocol")
      }
    }
  }
}
