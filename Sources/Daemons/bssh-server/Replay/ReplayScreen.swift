import Glibc
import System

/// Where a recording is shown: the terminal on standard output, or plain standard output.
///
/// A terminal does not echo input during the replay, and its previous state is restored however the replay ends.
final class ReplayScreen {
  /// A request of the viewer.
  enum Event: Equatable {
    case pause, step, skip, quit
    /// The program was stopped, and continues.
    case continued
    /// The program must end.
    case signal(Int32)
  }

  let isTerminal: Bool
  private let output = Descriptor(owning: STDOUT_FILENO)
  private let signals: SignalSource
  /// Where keys are read from; nil: there are none.
  private let keyboard: Descriptor?
  private var modes = termios()
  private var filter = TerminalFilter()
  /// Keys that were typed and not yet handled.
  private var typed: [UInt8] = []

  init() throws(SystemError) {
    isTerminal = isatty(STDOUT_FILENO) == 1
    signals = try SignalSource([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP])
    keyboard = isTerminal ? try? Descriptor.open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK) : nil
    if let keyboard, tcgetattr(keyboard.rawValue, &modes) != 0 { throw .last("/dev/tty") }
    quieten()
  }

  /// Columns and rows of the terminal, if it knows them.
  var size: (columns: Int, rows: Int)? {
    var size = winsize()
    guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return nil
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  // MARK: Output

  /// Writes recorded output in parts, and checks for signals in between; returns the signal that ends the program.
  func show(_ text: [UInt8], isRaw: Bool) throws(Failure) -> Int32? {
    var rest = (isRaw ? text : filter.pass(text))[...]
    while !rest.isEmpty {
      do throws(SystemError) {
        // A terminal that is stopped by Ctrl-S accepts no output; the program can still be ended.
        if output.wait(for: POLLOUT, milliseconds: 100) {
          switch try output.write(rest.prefix(512)) {
          case .bytes(let count): rest = rest.dropFirst(count)
          case .wouldBlock: break
          case .ended: throw SystemError("write", code: EPIPE)
          }
        }
      } catch { throw Output.failure(error) }
      while let signal = signals.next() {
        if signal != SIGTSTP { return signal }
        stop()
      }
    }
    return nil
  }

  /// Restores the state in which shells leave the terminal.
  func restore() {
    if isTerminal {
      let secondScreen = filter.isOnSecondScreen ? "\u{1b}[?1049l" : ""
      // Attributes, cursor, keypad, wrapping, colours, margins (which moves the cursor), character set, line.
      let reset =
        "\u{1b}[0m\u{1b}[?25h\u{1b}[?1l\u{1b}>\u{1b}[?7h\u{1b}[4l\u{1b}[20l\u{1b}[?5l\u{1b}[?6l\u{1b}7\u{1b}[r\u{1b}8"
        + "\u{1b}(B\u{f}\r\n"
      if output.wait(for: POLLOUT, milliseconds: 1000) {
        _ = try? output.write(Array((secondScreen + reset).utf8)[...])
      }
    }
    // Discards what was typed, or sent by a terminal in response to a sequence.
    if let keyboard { tcsetattr(keyboard.rawValue, TCSAFLUSH, &modes) }
  }

  // MARK: Input

  /// True if a key or a signal is pending.
  var isAsked: Bool { !typed.isEmpty || waits(milliseconds: 0) }

  /// The viewer's request within this number of microseconds; nil: there is none. Without a limit it waits for one.
  func event(within microseconds: Int64?) -> Event? {
    if typed.isEmpty {
      let milliseconds = microseconds.map { Int32(clamping: ($0 + 999) / 1000) } ?? -1
      guard waits(milliseconds: milliseconds) else { return nil }
      if let signal = signals.next() {
        if signal != SIGTSTP { return .signal(signal) }
        stop()
        return .continued
      }
      guard let keyboard, let (bytes, outcome) = try? keyboard.read(count: 256), outcome != .ended else {
        // The terminal is gone, and SIGHUP will follow.
        return .quit
      }
      typed = bytes
    }
    return key()
  }

  private func key() -> Event? {
    let arrows = [Array("\u{1b}[C".utf8), Array("\u{1b}OC".utf8)]
    if let arrow = arrows.first(where: typed.starts(with:)) {
      typed.removeFirst(arrow.count)
      return .skip
    }
    guard let first = typed.first else { return nil }
    // Another key, or a response of the terminal: ignored.
    if first == 0x1b { typed = Array(Self.behindSequence(typed)) } else { typed.removeFirst() }
    return switch first {
    case UInt8(ascii: " "): .pause
    case UInt8(ascii: "."): .step
    case UInt8(ascii: "q"), 3, 4: .quit
    default: nil
    }
  }

  /// The rest of the sequence that begins with ESC.
  private static func behindSequence(_ typed: [UInt8]) -> ArraySlice<UInt8> {
    guard typed.count > 1 else { return [] }
    switch typed[1] {
    case UInt8(ascii: "["), UInt8(ascii: "O"): return typed[2...].drop { $0 < 0x40 }.dropFirst()
    // Strings.
    case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"): return []
    default: return typed[2...]
    }
  }

  private func waits(milliseconds: Int32) -> Bool {
    var waiting = [
      pollfd(fd: signals.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
      pollfd(fd: keyboard?.rawValue ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    return poll(&waiting, nfds_t(waiting.count), milliseconds) > 0
  }

  /// Stops as the shell expects it, with the shell's terminal modes, until the shell continues the process.
  private func stop() {
    if let keyboard { tcsetattr(keyboard.rawValue, TCSANOW, &modes) }
    DefaultSignal.raise(SIGTSTP)
    quieten()
  }

  /// Keys are read one by one and not echoed; those that send signals still do. Output is not processed: the recorded
  /// terminal has done that.
  private func quieten() {
    guard let keyboard else { return }
    var quiet = modes
    quiet.c_lflag &= ~tcflag_t(ECHO | ICANON)
    quiet.c_oflag &= ~tcflag_t(OPOST)
    tcsetattr(keyboard.rawValue, TCSANOW, &quiet)
  }
}

/// Signals that are blocked because the program waits for them.
enum DefaultSignal {
  /// Applies the default action of the signal to this process: ends or stops it.
  static func raise(_ number: Int32) {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    // The runtime may have handlers for some, to report where a program crashed.
    signal(number, SIG_DFL)
    Glibc.raise(number)
    sigprocmask(SIG_UNBLOCK, &set, nil)
    sigprocmask(SIG_BLOCK, &set, nil)
  }
}
