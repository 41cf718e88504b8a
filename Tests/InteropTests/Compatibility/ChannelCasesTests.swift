import Testing

extension Interop {
  /// Operations on channels that other servers have got wrong, message by message.
  @Suite(.serialized) struct ChannelCases {
    @Test(.timeLimit(.minutes(2))) func `the output of a command is complete, whatever its line and its client are`()
      throws
    {
      try withDaemon { daemon throws in
        try daemon.claims(
          "channel_cases.py", "fast-commands-are-complete", "output-waits-for-a-slow-client", "odd-commands",
          "an-empty-command-is-answered", "a-nul-cuts-no-command-short")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `variables may have odd values, and no odd names`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "channel_cases.py", "odd-values-of-variables", "names-of-variables-that-nobody-sets",
          "as-many-variables-as-with-sshd")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `terminals may have odd sizes, names and modes`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "channel_cases.py", "odd-sizes-of-terminals", "odd-names-of-terminals", "odd-modes-of-terminals",
          "a-second-terminal-and-a-size-without-one-are-refused")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `signals have their names, and every request gets a reply`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "channel_cases.py", "deaths-by-signals-have-their-names", "signals-of-clients",
          "unknown-requests-are-answered", "no-more-sessions")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `unknown and unneeded messages do no harm`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "channel_cases.py", "unknown-messages-are-answered-as-such", "messages-that-mean-nothing-go-by",
          "empty-data-and-requests-behind-the-end")
      }
    }

    @Test(.timeLimit(.minutes(6))) func `rekeying works repeatedly under load`() throws {
      let python = try Daemon.clientsEnvironment() + "/bin/python"
      try withDaemon { daemon throws in
        try daemon.claims("asyncssh_cases.py", "new-keys-under-load", python: python, within: 150)
        try daemon.claims("channel_cases.py", "data-within-a-key-exchange-ends-the-connection")
      }
    }
  }
}
