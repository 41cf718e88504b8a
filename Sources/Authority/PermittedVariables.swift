import Configuration
import Filter
import IPC

/// Which variables a line of authorized_keys gives: those that `auth.publickey.permit_user_environment` names.
///
/// None by default, as with sshd's PermitUserEnvironment: users write their own authorized_keys, and a variable is a way
/// around a command or a shell that the administrator forces on them.
struct PermittedVariables {
  private let patterns: [NamePattern]

  init(_ patterns: [String]) { self.patterns = patterns.map { NamePattern($0) } }

  /// Takes out what is not permitted, and returns the names of that.
  func filter(_ variables: inout [IPC.EnvironmentVariable]) -> [String] {
    let refused = variables.map(\.name).filter { !permits($0) }
    variables.removeAll { !permits($0.name) }
    return refused
  }

  /// Whatever is configured: no variable speaks to the loader of programs, and none says who a login is.
  private func permits(_ name: String) -> Bool {
    !name.hasPrefix("LD_") && !name.hasPrefix("SSH_") && !Settings.EnvironmentVariable.ofLogin.contains(name)
      && patterns.contains { $0.matches(name) }
  }
}
