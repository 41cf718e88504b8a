import Configuration
import Filter
import Model

/// Selects the environment variables that a line of authorized_keys may set: those that
/// `auth.publickey.permit_user_environment` names.
///
/// The default is none, as with PermitUserEnvironment in sshd_config(5): users write their own authorized_keys, and a
/// variable could circumvent a command or shell that the administrator enforces.
struct PermittedVariables {
  private let patterns: [NamePattern]

  init(_ patterns: [String]) { self.patterns = patterns.map { NamePattern($0) } }

  /// Removes the variables that are not permitted, and returns their names.
  func filter(_ variables: inout [EnvironmentVariable]) -> [String] {
    let refused = variables.map(\.name).filter { !permits($0) }
    variables.removeAll { !permits($0.name) }
    return refused
  }

  /// Regardless of the configuration, variables of the dynamic linker and those that identify the login are refused.
  private func permits(_ name: String) -> Bool {
    !name.hasPrefix("LD_") && !name.hasPrefix("SSH_") && !EnvironmentVariable.ofLogin.contains(name)
      && patterns.contains { $0.matches(name) }
  }
}
