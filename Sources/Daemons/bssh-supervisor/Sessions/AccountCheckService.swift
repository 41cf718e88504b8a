import Glibc
import IPC
import Model
import System
import Wire

/// Looks accounts up in shadow(5): each in a session process of its own, which stays root for that and answers once.
final class AccountCheckService: AccountChecks {
  private let runtime: any Runtime
  private let zygotes: any ProcessMaker
  /// The process of each connection.
  private var checks: [UInt64: Child] = [:]

  init(_ runtime: any Runtime, _ zygotes: any ProcessMaker) {
    self.runtime = runtime
    self.zygotes = zygotes
  }

  func checkAccount(_ question: AccountCheckRequest, for connection: UInt64) {
    do throws(SystemError) {
      let child = try zygotes.make(nil)
      child.connection = connection
      checks[connection] = child
      runtime.send(SupervisorToSession.checkAccount(question), to: child)
    } catch {
      runtime.log(.error, "[\(connection)] shadow(5) cannot be read: \(error)")
      post(nil, connection)
    }
  }

  func killCheck(of connection: UInt64) { checks.removeValue(forKey: connection)?.signal(SIGKILL) }

  /// True when this session process looks an account up, and has not answered yet.
  func has(_ child: Child) -> Bool { child.connection.map { checks[$0] === child } ?? false }

  /// The message of such a process: the only one.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    guard has(child), let connection = child.connection else { return }
    guard descriptors.isEmpty, case .account(let state)? = try? SessionToSupervisor(wireBytes: bytes[...]) else {
      runtime.log(.error, "[\(connection)] the process that reads shadow(5) sent something else: killed")
      killCheck(of: connection)
      return post(nil, connection)
    }
    checks[connection] = nil
    post(state, connection)
  }

  /// Such a process has ended before it has answered.
  func ended(_ child: Child, _ status: ExitStatus) {
    guard has(child), let connection = child.connection else { return }
    checks[connection] = nil
    runtime.log(.error, "[\(connection)] the process that reads shadow(5) \(status) without an answer")
    post(nil, connection)
  }

  private func post(_ state: AccountState?, _ connection: UInt64) {
    runtime.post(.connection(.accountChecked(state), of: connection))
  }
}
