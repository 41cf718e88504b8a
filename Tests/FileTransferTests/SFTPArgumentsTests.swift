import System
import Testing

@testable import FileTransfer

/// The command line of sftp-server(8).
struct SFTPArgumentsTests {
  @Test func `without options nothing is restricted, and errors go to the log`() throws {
    let none = try SFTPArguments([])
    #expect(!none.logsToStandardError && none.facility == 4 && none.logLevel == .error && !none.isReadOnly)
    #expect(none.allowedRequests == nil && none.deniedRequests.isEmpty && none.directory == nil && none.umask == nil)
    #expect(!none.listsRequests && none.root == nil)
  }

  @Test(arguments: [
    ["-e", "-f", "LOCAL3", "-l", "INFO", "-R", "-d", "/tmp", "-u", "027", "-p", "open,close", "-P", "remove"],
    ["-eR", "-flocal3", "-lVERBOSE", "-d/tmp", "-u27", "-popen", "-p", "close", "-Premove"],
    ["-Rel", "info", "-f", "Local3", "-u", "27", "-P", "remove", "-p", "close,open", "-d", "/tmp"],
  ]) func `options may be combined, and values attached or separate`(words: [String]) throws {
    let all = try SFTPArguments(words)
    #expect(all.logsToStandardError && all.facility == 19 && all.logLevel == .info && all.isReadOnly)
    #expect(all.directory == "/tmp" && all.umask == 0o27)
    #expect(all.allowedRequests == ["open", "close"] && all.deniedRequests == ["remove"])
  }

  @Test func `arguments after -- are ignored`() throws {
    let given = try SFTPArguments(["-R", "--", "-x", "localhost", "sftp", "-u", "8"])
    #expect(given.isReadOnly && given.umask == nil)
    #expect(try SFTPArguments(["--", "-R"]) == SFTPArguments([]))
  }

  @Test(
    arguments: [
      ("QUIET", nil), ("FATAL", .error), ("ERROR", .error), ("INFO", .info), ("VERBOSE", .info), ("DEBUG", .debug),
      ("DEBUG1", .debug), ("DEBUG2", .debug), ("DEBUG3", .debug), ("debug3", .debug),
    ] as [(String, Log.Level?)])
  func `log levels are those of sshd`(name: String, level: Log.Level?) throws {
    #expect(try SFTPArguments(["-l", name]).logLevel == level)
  }

  @Test(
    arguments: [
      (["-x"], "-x is not an option"), (["file"], "'file' is not an option"), (["-"], "'-' is not an option"),
      (["-l"], "-l needs a value"), (["-l", "LOUD"], "-l LOUD: one of QUIET"),
      (["-f", "MAIL"], "-f MAIL: one of AUTH"),
      (["-u", "1777"], "-u 1777: an octal number"), (["-u", "8"], "-u 8: an octal number"),
      (["-P", "rmrf"], "'rmrf' is not a request"), (["-p", "open,"], nil),
      (["-p", "open,no such"], "'no such' is not"),
      (["-Q", "extensions"], "-Q extensions: only 'requests'"), (["--root"], "--root needs a directory"),
    ] as [([String], String?)]) func `an error names the invalid argument`(words: [String], problem: String?)
  {
    do {
      _ = try SFTPArguments(words)
      #expect(problem == nil)
    } catch {
      #expect(problem.map { error.text.hasPrefix($0) } == true, "\(error.text)")
    }
  }
}
