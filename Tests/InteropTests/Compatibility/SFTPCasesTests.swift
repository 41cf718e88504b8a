import Testing

extension Interop {
  /// Faults that SFTP clients have found in other servers, request by request.
  @Suite(.serialized) struct SFTPCases {
    @Test(.timeLimit(.minutes(2))) func `files are opened, written and read as with sftp-server`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "sftp_cases.py", "append-ignores-offsets", "append-and-truncate-together", "exclusive-files",
          "directories-and-pipes-are-opened", "edges-of-files", "files-of-the-system")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `names, links and directories behave as with sftp-server`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "sftp_cases.py", "real-paths", "links", "names-are-bytes", "renaming", "renaming-across-file-systems",
          "directories", "a-large-directory")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `attributes are read and set as with sftp-server`() throws {
      try withDaemon { try $0.claims("sftp_cases.py", "times-before-1970-and-after-2106", "attributes-in-parts") }
    }

    @Test(.timeLimit(.minutes(2))) func `a packet is answered, or ends only its own channel`() throws {
      try withDaemon { daemon throws in
        try daemon.claims(
          "sftp_cases.py", "large-packets", "a-packet-that-is-too-large-ends-its-channel-alone",
          "many-requests-under-way", "versions", "unknown-requests", "malformed-packets-end-their-channel-alone")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `SFTP channels work side by side, and clients may leave without CLOSE`() throws
    {
      try withDaemon { daemon throws in
        try daemon.claims(
          "sftp_cases.py", "a-client-that-leaves-without-closing", "several-channels-on-one-connection")
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a full disk is reported, and the connection continues`() throws {
      try withDaemon { daemon throws in
        try withSmallFileSystem(daemon) { full throws in
          try daemon.claims("sftp_cases.py", "a-full-disk", environment: ["FULL": full])
          try daemon.claims(
            "openssh_cases.py", "a-full-disk-is-told-by-every-way-of-writing", environment: ["FULL": full])
        }
      }
    }
  }
}
