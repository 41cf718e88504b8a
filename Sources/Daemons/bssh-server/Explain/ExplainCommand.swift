import Configuration
import IPC
import System

/// `explain`: would this login be accepted, and what decides?
///
/// It uses what the daemon uses: access control and the rules of the configuration are the same code, and accounts,
/// files and keys are handled by the same processes with the same privileges.
enum ExplainCommand {
  static func run(_ arguments: Arguments) throws(Failure) {
    let question = try LoginQuery(arguments)
    let loaded = try load(arguments)
    let report: Report
    do throws(BackendError) {
      let parts = try DaemonBackends(loaded.settings, try accounts())
      var explainer = Explainer(loaded: loaded, question: question, backends: parts)
      report = try explainer.explain()
    } catch { throw Failure(.unavailable, "bssh-server: \(error)") }
    if !Hardening.isRoot {
      Output.complain([
        "warning: not as root: explained for a daemon that this user starts, which accepts only that user and configured users"
      ])
    }
    try Output.write(report.text(question))
    if !report.isLetIn { throw Failure(.refused) }
  }

  private static func load(_ arguments: Arguments) throws(Failure) -> Loaded {
    do throws(Rejected) {
      return try ConfigurationFile(arguments).load(arguments, on: HostInspector())
    } catch {
      var failure = Failure(.configuration)
      failure.lines = error.problems.map(\.description)
      throw failure
    }
  }

  /// nil: not as root.
  private static func accounts() throws(BackendError) -> ServiceAccounts? {
    guard Hardening.isRoot else { return nil }
    var problems: [Diagnostic] = []
    guard let accounts = LoaderReply.serviceAccounts(&problems) else {
      throw BackendError(problems.map(\.description).joined(separator: "; "))
    }
    return accounts
  }
}
