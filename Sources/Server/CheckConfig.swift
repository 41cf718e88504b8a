import Configuration

/// `check-config`: does the configuration load, and what is in effect?
enum CheckConfig {
  static func run(_ arguments: Arguments) throws(Failure) {
    let file = ConfigurationFile(arguments)
    let loaded: Loaded
    do throws(Rejected) { loaded = try file.load(arguments, on: Machine()) } catch {
      Output.complain(error.warnings.map { "warning: \($0)" }, .warning)
      var failure = Failure(.configuration)
      failure.lines = error.problems.map(\.description)
      throw failure
    }
    Output.complain(loaded.warnings.map { "warning: \($0)" }, .warning)
    if arguments.has("quiet") { return }
    let origin = file.name.map { "# The settings of \($0)" } ?? "# The settings without a file"
    try Output.write(origin + ", and of variables and options.\n" + Template.effective(loaded))
  }
}
