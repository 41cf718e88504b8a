import Glibc
import System

/// The SFTP server as a program: on standard input and output, with the rights of its user.
public enum SFTPCommand {
  /// Serves one session; returns how it ended.
  ///
  /// - Parameter arguments: those after the program's name, as in ``SFTPArguments``.
  public static func run(_ arguments: [String]) -> ExitCode {
    do throws(SFTPArguments.UsageError) {
      return run(try SFTPArguments(arguments))
    } catch {
      printError("usage: bssh-transfer sftp \(error.text)\n")
      return .usage
    }
  }

  private static func run(_ arguments: SFTPArguments) -> ExitCode {
    if arguments.listsRequests {
      let list = SFTPRequest.names.map { $0 + "\n" }.joined()
      return (try? Descriptor(owning: STDOUT_FILENO).writeAll(Array(list.utf8))) == nil ? .outputError : .success
    }
    let log = TransferLog(arguments)
    do throws(FileError) {
      let ending = try serve(arguments, log)
      switch ending {
      case .finished: return .success
      case .violated(let violation):
        log.write(.error, "the client breaks the protocol: \(violation)")
        return .protocolError
      case .failed(let error):
        log.write(.error, "\(error)")
        return .systemError
      }
    } catch {
      log.write(.error, "\(error)")
      printError("bssh-transfer: \(error)\n")
      return .systemError
    }
  }

  private static func serve(_ arguments: SFTPArguments, _ log: TransferLog) throws(FileError) -> SFTPSession.End {
    // No other process of this user may read this one's memory through /proc.
    try system { () throws(SystemError) in try Hardening.becomeUnobservable() }
    SignalSource.ignoreBrokenPipes()
    if let umask = arguments.umask { ThisProcess.setUmask(umask) }
    let files = try RootedFileSystem(root: arguments.root, isReadOnly: arguments.isReadOnly, observer: log)
    if let directory = arguments.directory {
      do throws(FileError) {
        try files.enter(expand(directory))
      } catch {
        log.write(.error, "-d \(directory): \(error)")
      }
    }
    var options = SFTPServer.Options()
    options.allowedRequests = arguments.allowedRequests
    options.deniedRequests = arguments.deniedRequests
    options.showsMachine = arguments.root == nil
    var session = SFTPSession(SFTPServer(files, options))
    let (input, output) = (Descriptor(owning: STDIN_FILENO), Descriptor(owning: STDOUT_FILENO))
    return session.run(input: input, output: output)
  }

  /// Replaces `%d` by the home directory, `%u` by the user name and `%%` by a percent sign.
  public static func expand(_ text: String) -> [UInt8] {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%"), let letter = rest.first else {
        result.append(byte)
        continue
      }
      switch letter {
      case UInt8(ascii: "d"): result += AccountNames.home(of: nil) ?? []
      case UInt8(ascii: "u"): result += AccountNames().user(ThisProcess.user)
      case UInt8(ascii: "%"): result.append(byte)
      default: result += [byte, letter]
      }
      rest = rest.dropFirst()
    }
    return result
  }

  private static func printError(_ text: String) { try? Descriptor.standardError().writeAll(Array(text.utf8)) }
}
