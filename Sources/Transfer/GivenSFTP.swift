import FileTransfer
import Glibc
import System

/// `bssh-transfer sftp --settings`: one SFTP session as its login may have it.
enum GivenSFTP {
  /// Serves the client, and returns how it ended.
  static func run() -> ExitCode {
    do throws(GivenProblem) {
      let login = try GivenLogin.take()
      var options = SFTPServer.Options()
      options.handleLimit = Int(clamping: login.settings.maxHandles)
      options.showsMachine = login.settings.root.isEmpty
      var session = SFTPSession(SFTPServer(try login.files(), options))
      let ending = session.run(input: Descriptor(owning: STDIN_FILENO), output: Descriptor(owning: STDOUT_FILENO))
      switch ending {
      case .finished: return .success
      case .violated(let violation):
        login.report.tell("the client breaks the protocol: \(violation)")
        return .protocolError
      case .failed(let error):
        login.report.tell("\(error)")
        return .systemError
      }
    } catch {
      try? Descriptor.standardError().writeAll(Array("bssh-transfer sftp: \(error)\n".utf8))
      return .systemError
    }
  }
}
