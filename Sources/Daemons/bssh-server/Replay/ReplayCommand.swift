import Audit
import Glibc
import System

/// `replay`: plays a recording of a terminal at its original speed.
enum ReplayCommand {
  static func run(_ arguments: Arguments) throws(Failure) {
    guard let path = arguments.operand else {
      throw Arguments.usage("replay needs a recording: replay FILE, or - for standard input", for: .replay)
    }
    var options = try ReplayOptions(arguments)
    var recording = try Recording(path)
    options.idleLimit = options.idleLimit ?? recording.reader.idleLimit
    let screen: ReplayScreen
    do throws(SystemError) { screen = try ReplayScreen() } catch {
      throw Failure(.systemError, "bssh-server: \(error)")
    }
    let size = (columns: Int(clamping: recording.reader.columns), rows: Int(clamping: recording.reader.rows))
    if let ours = screen.size, size.columns > ours.columns || size.rows > ours.rows {
      Output.complain([
        "The recorded terminal has \(size.columns) columns and \(size.rows) rows, "
          + "this one \(ours.columns) and \(ours.rows): lines will be wrapped differently."
      ])
    }
    let result = show(&recording, options, on: screen)
    screen.restore()
    switch result {
    case .success(.end): break
    case .success(.signal(let number)): DefaultSignal.raise(number)
    case .failure(let failure): throw failure
    }
  }

  /// Why the replay ended.
  private enum Ending {
    case end
    case signal(Int32)
  }

  private static func show(
    _ recording: inout Recording, _ options: ReplayOptions, on screen: ReplayScreen
  ) -> Result<Ending, Failure> {
    var clock = PlayClock(
      speed: options.speed, idleLimit: options.idleLimit, from: options.from, now: Clock.microseconds)
    do throws(Failure) {
      while let event = try recording.next() {
        guard event.kind == .output else { continue }
        if screen.isTerminal {
          clock.schedule(event.time, now: Clock.microseconds)
          if let ending = wait(&clock, screen) { return .success(ending) }
        }
        if let signal = try screen.show(Array(event.text.utf8), isRaw: options.isRaw) {
          return .success(.signal(signal))
        }
      }
      if let complaint = recording.complaint { Output.complain([complaint]) }
      return .success(.end)
    } catch { return .failure(error) }
  }

  /// Waits for the scheduled event, and handles keys; not nil: the replay has ended.
  private static func wait(_ clock: inout PlayClock, _ screen: ReplayScreen) -> Ending? {
    while true {
      let begin = Clock.microseconds
      let left = clock.remaining(now: begin)
      if left == 0 && !screen.isAsked { return nil }
      let event = screen.event(within: left)
      let now = Clock.microseconds
      switch event {
      case .pause: clock.togglePause(now: now)
      case .step: if clock.step(now: now) { return nil }
      case .skip: clock.skip(10_000_000, now: now)
      case .continued: clock.wasStopped(for: now - begin)
      case .quit: return .end
      case .signal(let number): return .signal(number)
      case nil: break
      }
    }
  }
}
