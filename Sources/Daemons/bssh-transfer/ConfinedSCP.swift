import FileTransfer
import Glibc
import Model
import System

/// `bssh-transfer scp --settings COMMAND`: the server side of scp, with what its login may do.
enum ConfinedSCP {
  /// Serves the client; returns the exit code of scp(1): 0, or 1 when something failed.
  static func run() -> Int32 {
    do throws(LoginContextError) {
      let login = try LoginContext.receive()
      guard let arguments = try? RawArguments.read(), arguments.count == 3, let command = SCPCommand.parse(arguments[2])
      else { throw LoginContextError(description: "expected the command of an exec request behind --settings") }
      return SCPServer(
        command, files: try login.files(), input: Descriptor(owning: STDIN_FILENO),
        output: Descriptor(owning: STDOUT_FILENO), user: login.settings.user, maxFileSize: login.settings.maxFileSize
      ).run()
    } catch {
      try? Descriptor.standardError().writeAll(Array("bssh-transfer scp: \(error)\n".utf8))
      return 1
    }
  }
}
