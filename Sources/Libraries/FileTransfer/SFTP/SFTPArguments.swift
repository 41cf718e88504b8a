import System

/// The command line of an SFTP server: the options of sftp-server(8), and `--root`.
public struct SFTPArguments: Equatable, Sendable {
  /// Why a command line is rejected.
  public struct UsageError: Error, Equatable, Sendable {
    /// For the person who typed the command line.
    public let text: String

    public init(text: String) { self.text = text }
  }

  /// `-e`: log to standard error instead of syslog.
  public var logsToStandardError = false
  /// `-f`: facility number of syslog(3); 4 is LOG_AUTH.
  public var facility = 4
  /// `-l`: log level; nil for no log.
  public var logLevel: Log.Level? = .error
  /// `-R`: nothing may be changed.
  public var isReadOnly = false
  /// `-p`: names of the only requests that are allowed; nil for all.
  public var allowedRequests: Set<String>?
  /// `-P`: names of requests that are denied.
  public var deniedRequests: Set<String> = []
  /// `-d`: where relative paths begin; `%d` stands for the home directory, `%u` for the user name.
  public var directory: String?
  /// `-u`: umask.
  public var umask: UInt32?
  /// `-Q requests`: list the names of requests instead of serving.
  public var listsRequests = false
  /// `--root`: the directory that is the client's `/`.
  public var root: String?

  /// Names and numbers of syslog facilities. syslog(3)
  static let facilities = [
    "DAEMON": 3, "USER": 1, "AUTH": 4, "AUTHPRIV": 10, "LOCAL0": 16, "LOCAL1": 17, "LOCAL2": 18, "LOCAL3": 19,
    "LOCAL4": 20, "LOCAL5": 21, "LOCAL6": 22, "LOCAL7": 23,
  ]

  /// Parses the arguments after the program's name.
  ///
  /// - Throws: `UsageError` for an unknown option, a missing or invalid value, and `-h`, which asks for the usage.
  public init(_ arguments: [String]) throws(UsageError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      // The rest is ignored, as sftp-server(8) does: `scp -D` passes such arguments.
      if argument == "--" { return }
      if argument == "--root" {
        guard let value = rest.popFirst() else { throw UsageError(text: "--root needs a directory") }
        root = value
        continue
      }
      guard argument.hasPrefix("-"), argument.utf8.count > 1 else {
        throw UsageError(text: "'\(argument)' is not an option")
      }
      var letters = argument.dropFirst()
      while let letter = letters.popFirst() {
        if try takeFlag(letter) { continue }
        guard "flpPduQ".contains(letter) else { throw UsageError(text: "-\(letter) is not an option") }
        guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
          throw UsageError(text: "-\(letter) needs a value")
        }
        try take(letter, value)
        break
      }
    }
  }

  private mutating func takeFlag(_ letter: Character) throws(UsageError) -> Bool {
    switch letter {
    case "e": logsToStandardError = true
    case "R": isReadOnly = true
    case "h":
      throw UsageError(
        text: "[-ehR] [-d directory] [-f facility] [-l level] [-P denied] [-p allowed] [-u umask] [--root directory]"
          + " | -Q requests")
    default: return false
    }
    return true
  }

  private mutating func take(_ letter: Character, _ value: String) throws(UsageError) {
    switch letter {
    case "f":
      guard let known = SFTPArguments.facilities[value.uppercased()] else {
        throw UsageError(text: "-f \(value): one of \(SFTPArguments.facilities.keys.sorted().joined(separator: ", "))")
      }
      facility = known
    case "l":
      switch value.uppercased() {
      case "QUIET": logLevel = nil
      case "FATAL", "ERROR": logLevel = .error
      case "INFO", "VERBOSE": logLevel = .info
      case "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3": logLevel = .debug
      default: throw UsageError(text: "-l \(value): one of QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG1 to DEBUG3")
      }
    case "p": allowedRequests = (allowedRequests ?? []).union(try requests(value))
    case "P": deniedRequests.formUnion(try requests(value))
    case "d": directory = value
    case "u":
      guard let mask = UInt32(value, radix: 8), mask <= 0o777 else {
        throw UsageError(text: "-u \(value): an octal number up to 777")
      }
      umask = mask
    default:
      guard value == "requests" else { throw UsageError(text: "-Q \(value): only 'requests' can be asked for") }
      listsRequests = true
    }
  }

  private func requests(_ list: String) throws(UsageError) -> [String] {
    let names = list.split(separator: ",").map(String.init)
    for name in names where !SFTPRequest.names.contains(name) {
      throw UsageError(text: "'\(name)' is not a request; -Q requests lists them")
    }
    return names
  }
}
