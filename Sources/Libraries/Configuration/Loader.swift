/// A loaded configuration.
public struct Loaded: Equatable, Sendable {
  /// The checked settings.
  public var settings: Settings
  /// The values of the keys, for `check-config`.
  public var choices: UnresolvedSettings
  /// Warnings: what is allowed but probably not intended.
  public var warnings: [Diagnostic]
  /// Where the values are set.
  public var sourceMap = SourceMap()
}

/// A configuration that is refused.
public struct Rejected: Error, Equatable, Sendable {
  /// All errors, at least one.
  public var problems: [Diagnostic]
  /// Warnings, as for a configuration that loads.
  public var warnings: [Diagnostic]

  public init(problems: [Diagnostic], warnings: [Diagnostic]) {
    self.problems = problems
    self.warnings = warnings
  }
}

/// Combines the file, the environment and the command line into checked settings.
///
/// The command line overrides the environment, which overrides the file, which overrides the defaults. Only the
/// resulting values are checked.
public struct Loader {
  /// The configuration file after parsing.
  public struct File: Equatable, Sendable {
    /// The path, for messages.
    public var name: String
    /// The parsed content.
    public var root: Node
    /// True if the group or others may read the file.
    public var isReadableByOthers: Bool
    /// The absolute path of its directory, against which relative paths are resolved; nil: these are errors.
    public var folder: String?

    public init(name: String, root: Node, isReadableByOthers: Bool) {
      self.name = name
      self.root = root
      self.isReadableByOthers = isReadableByOthers
    }
  }

  /// The configuration file; nil: there is none.
  public var file: File?
  /// The environment variables; those that do not begin with `BSSH_` are ignored.
  public var environment: [(name: String, value: String)]
  /// The options, named as in ``Key/option``, with their values in order.
  public var options: [(name: String, values: [String])]
  /// The working directory, against which relative paths of variables and options are resolved; nil: these are errors.
  public var folder: String?

  public init(
    file: File?, environment: [(name: String, value: String)] = [], options: [(name: String, values: [String])] = []
  ) {
    self.file = file
    self.environment = environment
    self.options = options
  }

  /// Loads and checks the configuration.
  ///
  /// - Throws: `Rejected` with all errors.
  public func load(in hostEnvironment: HostEnvironment) throws(Rejected) -> Loaded {
    var given = RawSettings()
    if let file { given.add(file: file.name, root: file.root) }
    given.add(environment: environment)
    for option in options { given.add(option: option.name, values: option.values) }

    var choices = UnresolvedSettings()
    var problems = given.problems
    var warnings: [Diagnostic] = []
    for key in KeyTable.keys {
      guard let value = given.values[key.path] else { continue }
      var faults = ValueDiagnostics()
      faults.folder = if case .file = value.source { file?.folder } else { folder }
      key.parse(value.node, &choices, &faults)
      func located(_ fault: ValueDiagnostic) -> Diagnostic {
        Diagnostic(
          source: value.source, position: fault.position, key: key.path + fault.below, reason: fault.reason)
      }
      problems += faults.all.map(located)
      warnings += faults.warnings.map(located)
    }
    chooseKeyFiles(&choices, given)
    if !hostEnvironment.isRoot, given.rank("security.ban_state_file") == 0 {
      choices.settings.security.banStateFile = stateDirectory.map { $0 + "/bssh/bans" }
    }

    var checks = Checks(
      given: given, hostEnvironment: hostEnvironment, file: file, stateDirectory: stateDirectory)
    let settings = checks.settings(of: choices)
    problems += checks.problems
    warnings += checks.warnings
    guard problems.isEmpty else { throw Rejected(problems: problems, warnings: warnings) }
    return Loaded(
      settings: settings, choices: choices, warnings: warnings, sourceMap: SourceMap(given.values))
  }

  /// The directory for persistent state: XDG Base Directory Specification.
  private var stateDirectory: String? {
    let path = { (name: String) in environment.last { $0.name == name && $0.value.hasPrefix("/") }?.value }
    return path("XDG_STATE_HOME") ?? path("HOME").map { $0 + "/.local/state" }
  }

  /// Of the two keys for authorized_keys, one from a source of higher rank replaces the other.
  private func chooseKeyFiles(_ choices: inout UnresolvedSettings, _ given: RawSettings) {
    guard choices.settings.auth.authorizedKeysDirectory != nil, choices.settings.auth.authorizedKeysPattern != nil
    else { return }
    let directory = given.rank("auth.publickey.authorized_keys_dir")
    let pattern = given.rank("auth.publickey.authorized_keys_pattern")
    if directory > pattern { choices.settings.auth.authorizedKeysPattern = nil }
    if pattern > directory { choices.settings.auth.authorizedKeysDirectory = nil }
  }
}
