import Configuration
import IPC
import System
import Wire

/// `open-journal`, for bssh-supervisor: opens the directory of the journal again after it was removed, creates it if
/// necessary, and replies over the socket on descriptor 3.
enum OpenJournal {
  static func run(_ arguments: Arguments) throws(Failure) {
    let socket = MessageSocket(Descriptor(owning: 3))
    // The permissions of the journal, and its path.
    let parts = (arguments.operand ?? "").split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, let mode = UInt32(parts[0], radix: 8) else {
      throw Arguments.usage("open-journal needs MODE:FILE", for: .openJournal)
    }
    var problems: [Diagnostic] = []
    let accounts = Hardening.isRoot ? LoaderReply.serviceAccounts(&problems) : nil
    var answer = JournalOpening.failed(problems.first?.reason ?? "")
    var descriptors: [Descriptor] = []
    if problems.isEmpty {
      do throws(AuditDirectories.Unusable) {
        let open = try AuditDirectories(accounts, makes: true).journal(parts[1], mode: mode)
        if let open {
          answer = .opened(open.directory)
          descriptors = [open.descriptor]
        }
      } catch { answer = .failed(error.reason) }
    }
    do throws(SystemError) { try socket.send(answer.wireBytes, descriptors: descriptors, wait: true) } catch {
      throw Failure(.systemError, "bssh-server: descriptor 3: \(error)")
    }
  }
}
