import Glibc

/// Writes log lines, each with a level, to standard error by default.
///
/// Never blocks: a line that the output does not accept at once is dropped and counted, and the next line that gets
/// through is preceded by the count.
public struct Log {
  /// The importance of a line; the raw value is its syslog priority. syslog(3)
  public enum Level: Int, Comparable, Sendable {
    /// Something failed.
    case error = 3
    /// Something needs attention.
    case warning = 4
    /// Normal operation.
    case info = 6
    /// For debugging only.
    case debug = 7

    /// True when `a` is more important than `b`.
    public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }

    var name: String {
      switch self {
      case .error: "error"
      case .warning: "warning"
      case .info: "info"
      case .debug: "debug"
      }
    }
  }

  /// What a line begins with.
  public enum Style: Sendable {
    /// Time and level, for people and files.
    case plain
    /// `<6>`, which journald takes as the priority; it adds the time itself. sd-daemon(3)
    case journal
    /// Nothing: the receiver adds time and level.
    case bare
    /// The header of a datagram to /dev/log; `facility` is the number without priority. syslog(3)
    case syslog(program: String, facility: Int)
  }

  /// The least important level that is written.
  public var threshold: Level
  private let style: Style
  private let output: Descriptor?
  private var dropped = 0

  /// A log that has dropped nothing yet.
  ///
  /// - Parameters:
  ///   - threshold: the least important level that is written.
  ///   - style: what each line begins with.
  ///   - output: where lines go, kept open; nil: standard error.
  public init(threshold: Level, style: Style, output: Descriptor? = nil) {
    self.threshold = threshold
    self.style = style
    self.output = output
  }

  /// True when lines of this level are written.
  public func writes(_ level: Level) -> Bool { level <= threshold }

  /// Writes a line if its level is within the threshold. Invisible characters are escaped, so that a text cannot forge
  /// a second line.
  public mutating func write(_ level: Level, _ text: String) {
    guard writes(level) else { return }
    if dropped > 0 && put(.warning, "\(dropped) log lines were lost: nobody took them") { dropped = 0 }
    if !put(level, Log.printable(text)) { dropped += 1 }
  }

  /// `text` escaped by ``VisibleText``, cut to 4,000 bytes.
  ///
  /// A pipe that poll(2) reports as writable takes 4,096 bytes without blocking: the whole line, with its beginning.
  public static func printable(_ text: String) -> String { VisibleText.escape(text, limit: 4000) }

  private func put(_ level: Level, _ text: String) -> Bool {
    let line =
      switch style {
      case .plain: "\(Clock.timestamp) \(level.name): \(text)\n"
      case .journal: "<\(level.rawValue)>\(text)\n"
      case .bare: "\(text)\n"
      case .syslog(let program, let facility): "<\(facility << 3 | level.rawValue)>\(program)[\(getpid())]: \(text)"
      }
    let number = output?.rawValue ?? STDERR_FILENO
    var waiting = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    guard poll(&waiting, 1, 0) == 1, waiting.revents & Int16(POLLOUT) != 0 else { return false }
    let bytes = Array(line.utf8)
    return Glibc.write(number, bytes, bytes.count) == bytes.count
  }
}
