import FileTransfer
import Glibc
import IPC
import System

/// `bssh-transfer scp COMMAND`: the server's side of scp on standard input and output, as the command of an `exec`
/// request asks for it.
enum SCPSubcommand {
  /// Serves one client; returns the exit code.
  static func run() -> Int32 {
    SignalSource.ignoreBrokenPipes()
    do throws(SystemError) {
      // Nobody may reach this process's memory through its own files in /proc.
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
    // Without a standard error there is nobody to hear it.
    try? Descriptor.standardError().writeAll(Array("bssh-transfer scp: \(message)\n".utf8))
  }
}
