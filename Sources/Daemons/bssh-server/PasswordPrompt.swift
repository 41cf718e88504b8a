import Glibc
import System

/// Prompts on the controlling terminal, without echo. termios(3)
///
/// The terminal's echo is restored however the prompt ends: by a response, or by a signal such as that of Ctrl-C.
struct PasswordPrompt {
  /// How a prompt ended.
  enum Outcome: Equatable {
    case line([UInt8])
    /// End of input in place of a line.
    case ended
    case tooLong
  }

  private let terminal: Descriptor
  private let signals: SignalSource

  /// Opens the controlling terminal.
  ///
  /// - Throws: `SystemError` if there is none.
  init() throws(SystemError) {
    terminal = try Descriptor.open("/dev/tty", O_RDWR)
    // SIGTSTP is blocked as well: a stopped program would leave the terminal without echo.
    signals = try SignalSource([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP])
  }

  /// Shows `question` and reads a line of at most `limit` bytes.
  ///
  /// - Throws: `SystemError` if the terminal cannot be read or written.
  func ask(_ question: String, limit: Int) throws(SystemError) -> Outcome {
    var modes = termios()
    guard tcgetattr(terminal.rawValue, &modes) == 0 else { throw .last("/dev/tty") }
    var silent = modes
    silent.c_lflag &= ~tcflag_t(ECHO)
    guard tcsetattr(terminal.rawValue, TCSAFLUSH, &silent) == 0 else { throw .last("/dev/tty") }
    defer { tcsetattr(terminal.rawValue, TCSAFLUSH, &modes) }
    try terminal.writeAll(Array(question.utf8))

    var line: [UInt8] = []
    while line.count <= limit {
      waitForInput { signal in
        tcsetattr(terminal.rawValue, TCSAFLUSH, &modes)
        DefaultSignal.raise(signal)
      }
      let (bytes, outcome) = try terminal.read(count: limit + 2 - line.count)
      line += bytes
      if line.last == UInt8(ascii: "\n") {
        try terminal.writeAll([UInt8(ascii: "\n")])
        return .line(line.dropLast())
      }
      if case .ended = outcome { return .ended }
    }
    return .tooLong
  }

  /// Waits for input; calls `onSignal` for a signal that ends programs.
  private func waitForInput(onSignal: (Int32) -> Void) {
    while true {
      var waiting = [
        pollfd(fd: terminal.rawValue, events: Int16(POLLIN), revents: 0),
        pollfd(fd: signals.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
      ]
      poll(&waiting, nfds_t(waiting.count), -1)
      if let signal = signals.next(), signal != SIGTSTP { onSignal(signal) }
      if waiting[0].revents != 0 { return }
    }
  }
}
