import FileTransfer
import Glibc
import System

/// `bssh-transfer sftp --settings [OPTION…]`: one SFTP session, with what its login may do.
enum ConfinedSFTP {
  /// Serves the client; returns how the session ended.
  ///
  /// - Parameter options: those of a forced command `internal-sftp`, as in sftp-server(8). They can only restrict what
  ///   the settings allow; options for the log have no effect.
  static func run(_ options: [String]) -> ExitCode {
    do throws(LoginContextError) {
      let given = try arguments(options)
      var login = try LoginContext.receive()
      if given.isReadOnly { login.settings.readOnly = true }
      if let umask = given.umask { ThisProcess.setUmask(umask | (login.settings.umask ?? 0)) }
      let files = try login.files()
      if let directory = given.directory {
        do throws(FileError) {
          try files.enter(SFTPCommand.expand(directory))
        } catch {
          login.report.log("-d \(directory): \(error)")
        }
      }
      var options = SFTPServer.Options()
      options.handleLimit = Int(clamping: login.settings.maxHandles)
      options.showsMachine = login.settings.root.isEmpty
      options.allowedRequests = given.allowedRequests
      options.deniedRequests = given.deniedRequests
      var session = SFTPSession(SFTPServer(files, options))
      let ending = session.run(input: Descriptor(owning: STDIN_FILENO), output: Descriptor(owning: STDOUT_FILENO))
      switch ending {
      case .finished: return .success
      // The client only went away, which is no violation to report.
      case .violated(.cutOff): return .protocolError
      case .violated(let violation):
        login.report.record(.violated("\(violation)"))
        return .protocolError
      case .failed(let error):
        login.report.log("\(error)")
        return .systemError
      }
    } catch {
      try? Descriptor.standardError().writeAll(Array("bssh-transfer sftp: \(error)\n".utf8))
      return .systemError
    }
  }

  private static func arguments(_ options: [String]) throws(LoginContextError) -> SFTPArguments {
    do throws(SFTPArguments.UsageError) {
      let given = try SFTPArguments(options)
      guard given.root == nil, !given.listsRequests else {
        throw SFTPArguments.UsageError(text: "--root and -Q are not for a forced command")
      }
      return given
    } catch {
      throw LoginContextError(description: "internal-sftp: \(error.text)")
    }
  }
}
