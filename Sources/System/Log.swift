import Glibc

/// Log lines on standard error: one per fact, with a level, ready for the journal.
///
/// Never waits: a line that standard error does not take at once is dropped and counted, and the count is told with
/// the next line that goes through.
public struct Log {
  /// How important a line is; also its syslog priority.
  public enum Level: Int, Comparable, Sendable {
    case error = 3
    case warning = 4
    case info = 6
    case debug = 7

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

  /// How a line begins.
  public enum Style: Sendable {
    /// Time and level, for people and files.
    case plain
    /// `<6>`, which the journal takes as the line's priority; it knows the time. sd-daemon(3)
    case journal
    /// Nothing: somebody else adds what is missing.
    case bare
    /// A datagram to /dev/log, for a process that has no terminal, or not for this. syslog(3)
    case syslog(program: String, facility: Int)
  }

  /// The least important level that is written.
  public var threshold: Level
  private let style: Style
  private let output: Descriptor?
  private var dropped = 0

  /// - Parameters:
  ///   - threshold: the least important level that is written.
  ///   - output: where lines go; nil: standard error.
  public init(threshold: Level, style: Style, output: Descriptor? = nil) {
    self.threshold = threshold
    self.style = style
    self.output = output
  }

  /// True when a line of this level would be written.
  public func writes(_ level: Level) -> Bool { level <= threshold }

  /// Writes a line. What cannot be seen in it is escaped, so that no text can make a second line.
  public mutating func write(_ level: Level, _ text: String) {
    guard writes(level) else { return }
    if dropped > 0 && put(.warning, "\(dropped) log lines were lost: nobody took them") { dropped = 0 }
    if !put(level, Log.printable(text)) { dropped += 1 }
  }

  /// `text` with ``VisibleText`` for what cannot be seen, cut after 4,000 bytes.
  ///
  /// A pipe that is ready takes 4,096 bytes without waiting: all of the line, with what stands around this text.
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
