import FileTransfer
import Glibc
import Model
import System

/// `bssh-transfer scp COMMAND`: the server side of scp on standard input and output. COMMAND is that of an `exec`
/// request.
enum SCPSubcommand {
  /// Serves one client; returns the exit code: 0, 1 when something failed, or that of a usage error.
  static func run() -> Int32 {
    SignalSource.ignoreBrokenPipes()
    do throws(SystemError) {
      // No other process of this user may read this one's memory through /proc.
      try Hardening.becomeUnobservable()
      let arguments = try RawArguments.read().dropFirst()
      guard let command = arguments.first, arguments.count == 1, let command = SCPCommand.parse(command) else {
        complain("expected one argument: the command of an exec request, as 'scp -t files'")
        return ExitCode.usage.rawValue
      }
      return try serve(command)
    } catch {
      complain("\(error)")
      return 1
    }
  }

  private static func serve(_ command: SCPCommand) throws(SystemError) -> Int32 {
    do throws(FileError) {
      return SCPServer(
        command, files: try RootedFileSystem(), input: Descriptor(owning: STDIN_FILENO),
        output: Descriptor(owning: STDOUT_FILENO),
        user: String(decoding: AccountNames().user(ThisProcess.user), as: UTF8.self)
      ).run()
    } catch {
      complain("\(error)")
      return 1
    }
  }

  private static func complain(_ message: String) {
    // Without a standard error the message is lost.
    try? Descriptor.standardError().writeAll(Array("bssh-transfer scp: \(message)\n".utf8))
  }
}
