import Configuration
import IPC
import System

/// `check-config`: checks that the configuration loads and that the daemon would start with it, and prints what is in
/// effect.
enum CheckConfig {
  static func run(_ arguments: Arguments) throws(Failure) {
    let file = ConfigurationFile(arguments)
    let loaded: Loaded
    do throws(Rejected) { loaded = try check(file, arguments) } catch {
      Output.complain(error.warnings.map { "warning: \($0)" }, .warning)
      var failure = Failure(.configuration)
      failure.lines = error.problems.map(\.description)
      throw failure
    }
    Output.complain(loaded.warnings.map { "warning: \($0)" }, .warning)
    if arguments.has("quiet") { return }
    let origin = file.name.map { "# The settings of \($0)" } ?? "# The settings without a file"
    try Output.write(origin + ", variables and options.\n" + Template.effective(loaded))
  }

  /// Loads the configuration, and checks everything that `run` needs, without changing anything. Without root's
  /// privileges, what depends on them is a warning: the daemon may be started with them.
  private static func check(_ file: ConfigurationFile, _ arguments: Arguments) throws(Rejected) -> Loaded {
    var loaded = try file.load(arguments, on: HostInspector(isCheck: true))
    var missing: [Diagnostic] = []
    let accounts = Hardening.isRoot ? LoaderReply.serviceAccounts(&missing) : nil
    // The configuration may be for another machine than the one where it is checked.
    loaded.warnings += missing
    if let warning = LoaderReply.bans(loaded.settings.security.banStateFile).1 { loaded.warnings.append(warning) }
    let owner = accounts.map { ServiceDirectory.Owner(user: $0.audit.uid, group: $0.audit.gid) }
    let places = AuditPlaces(
      loaded, AuditDirectories(owner: Hardening.isRoot ? owner ?? .nobody : nil, makes: false))
    let start = StartChecks(loaded, arguments)
    loaded.warnings += places.warnings + start.warnings
    let problems = places.problems + start.problems
    if !problems.isEmpty { throw Rejected(problems: problems, warnings: loaded.warnings) }
    return loaded
  }
}
