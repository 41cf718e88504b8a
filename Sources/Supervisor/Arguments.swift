import System

/// The command line of bssh-supervisor, which only bssh-server writes:
/// `bssh-supervisor --log-level N [--foreground] [--pid-file F] -- SERVER ARGUMENT…`.
struct Arguments: Equatable {
  var logLevel: Log.Level
  /// Stay in the foreground and log to standard error.
  var isForeground = false
  /// nil: none.
  var pidFile: String?
  /// bssh-server, to load the configuration again.
  var server: String
  /// The arguments that it was started with.
  var serverArguments: [String]

  /// Reads the arguments after the program's name; nil when they are not what bssh-server writes.
  init?(_ arguments: [String]) {
    var rest = arguments[...]
    var level: Log.Level?
    while let argument = rest.popFirst() {
      switch argument {
      case "--log-level":
        level = rest.popFirst().flatMap { Int($0) }.flatMap { Log.Level(rawValue: $0) }
        if level == nil { return nil }
      case "--foreground": isForeground = true
      case "--pid-file":
        pidFile = rest.popFirst()
        if pidFile == nil { return nil }
      case "--":
        guard let level, let server = rest.popFirst() else { return nil }
        logLevel = level
        self.server = server
        serverArguments = Array(rest)
        return
      default: return nil
      }
    }
    return nil
  }
}
