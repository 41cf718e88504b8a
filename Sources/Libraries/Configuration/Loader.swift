/// A configuration that loaded.
public struct Loaded: Equatable, Sendable {
  public var settings: Settings
  /// What the keys say, for `check-config`.
  public var choices: Choices
  /// What is allowed, but probably not meant.
  public var warnings: [Problem]
  /// Where it says so.
  public var places = Places()
}

/// A configuration that does not load.
public struct Rejected: Error, Equatable, Sendable {
  /// Everything that is wrong, at least one problem.
  public var problems: [Problem]
  public var warnings: [Problem]

  public init(problems: [Problem], warnings: [Problem]) {
    self.problems = problems
    self.warnings = warnings
  }
}

/// Makes settings of a file, the environment and the command line.
///
/// The command line overrides the environment, that the file, and that the defaults; what results is checked once.
public struct Loader {
  /// The configuration file, as a tree.
  public struct File: Equatable, Sendable {
    public var name: String
    public var root: Node
    /// True when its group or others may read it.
    public var isReadableByOthers: Bool
    /// The absolute path of its directory, which relative paths in it start at; nil: there must be none.
    public var folder: String?

    public init(name: String, root: Node, isReadableByOthers: Bool) {
      self.name = name
      self.root = root
      self.isReadableByOthers = isReadableByOthers
    }
  }

  /// nil: no file, defaults alone.
  public var file: File?
  /// All variables; those that do not begin with `BSSH_` are passed over.
  public var environment: [(name: String, value: String)]
  /// Options as ``Key/option`` names them, with their values in order.
  public var options: [(name: String, values: [String])]
  /// The working directory, which relative paths of variables and options start at; nil: there must be none.
  public var folder: String?

  public init(
    file: File?, environment: [(name: String, value: String)] = [], options: [(name: String, values: [String])] = []
  ) {
    self.file = file
    self.environment = environment
    self.options = options
  }

  /// The settings, or everything that is wrong.
  public func load(in surroundings: Surroundings) throws(Rejected) -> Loaded {
    var given = GivenValues()
    if let file { given.take(file: file.name, root: file.root) }
    given.take(environment: environment)
    for option in options { given.take(option: option.name, values: option.values) }

    var choices = Choices()
    var problems = given.problems
    var warnings: [Problem] = []
    for key in KeyTable.keys {
      guard let value = given.values[key.path] else { continue }
      var faults = Faults()
      faults.folder = if case .file = value.source { file?.folder } else { folder }
      key.parse(value.node, &choices, &faults)
      func located(_ fault: Fault) -> Problem {
        Problem(
          source: value.source, position: fault.position, key: key.path + fault.below, reason: fault.reason)
      }
      problems += faults.all.map(located)
      warnings += faults.warnings.map(located)
    }
    chooseKeyFiles(&choices, given)
    if !surroundings.isRoot, given.rank("security.ban_state_file") == 0 {
      choices.settings.security.banStateFile = stateDirectory.map { $0 + "/bssh/bans" }
    }

    var checks = Checks(
      given: given, surroundings: surroundings, file: file, stateDirectory: stateDirectory)
    let settings = checks.settings(of: choices)
    problems += checks.problems
    warnings += checks.warnings
    guard problems.isEmpty else { throw Rejected(problems: problems, warnings: warnings) }
    return Loaded(
      settings: settings, choices: choices, warnings: warnings, places: Places(given.values))
  }

  /// As the XDG Base Directory Specification has it.
  private var stateDirectory: String? {
    let path = { (name: String) in environment.last { $0.name == name && $0.value.hasPrefix("/") }?.value }
    return path("XDG_STATE_HOME") ?? path("HOME").map { $0 + "/.local/state" }
  }

  /// Of the two places for authorized_keys, one that a higher source names takes the place of the other.
  private func chooseKeyFiles(_ choices: inout Choices, _ given: GivenValues) {
    guard choices.settings.auth.authorizedKeysDirectory != nil, choices.settings.auth.authorizedKeysPattern != nil
    else { return }
    let directory = given.rank("auth.publickey.authorized_keys_dir")
    let pattern = given.rank("auth.publickey.authorized_keys_pattern")
    if directory > pattern { choices.settings.auth.authorizedKeysPattern = nil }
    if pattern > directory { choices.settings.auth.authorizedKeysDirectory = nil }
  }
}
