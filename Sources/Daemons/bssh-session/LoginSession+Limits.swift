import IPC
import System

extension LoginSession.Running {
  /// True after SIGTERM, while SIGKILL for its process group is still due.
  var isBeingEnded: Bool { limit.map { $0.isOver && $0.nextTime != nil } ?? false }
}

// The time limit of commands, `shell.command_timeout`.
extension LoginSession {
  /// The limit of a program that starts now. Shells and file transfers have none: a shell waits for its user, and large
  /// files take their time.
  func limit(of program: Program) -> CommandLimit? {
    switch program {
    case .command: CommandLimit(seconds: commandTimeout, at: Clock.milliseconds)
    case .forced(let forced):
      forced.wanted.isCommand ? CommandLimit(seconds: commandTimeout, at: Clock.milliseconds) : nil
    case .shell, .sftp, .scp, .forcedSFTP: nil
    }
  }

  /// When the next step of a limit is due, in milliseconds; nil: none is.
  var nextLimit: Int64? { programs.values.compactMap { $0.limit?.nextTime }.min() }

  /// Performs the steps of limits that are due.
  mutating func keepLimits(at now: Int64) {
    for (token, running) in programs.filter({ $0.value.limit?.nextTime.map { $0 <= now } ?? false }) {
      while let step = programs[token]?.limit?.step(at: now) { perform(step, token, running) }
    }
  }

  private mutating func perform(_ step: CommandLimit.Step, _ token: UInt64, _ running: Running) {
    let number = running.channel
    switch step {
    case .announce(let seconds):
      guard hasTerminal(number, of: token) else { return }
      let time = "\(seconds) \(seconds == 1 ? "second" : "seconds")"
      send(.announce(channel: number, "bssh: this command ends in \(time) (command time limit)"))
    case .terminate:
      let limit = running.limit?.seconds ?? 0
      log("channel \(number): pid \(running.process.pid) has run for \(limit) s, and is ended: command_timeout")
      send(.announce(channel: number, "bssh: the command has run for \(limit) s, and is ended (command_timeout)"))
      running.process.signalGroup(Signal.terminate)
      running.process.signalGroup(Signal.resume)
    case .kill:
      running.process.signalGroup(Signal.kill)
      guard running.hasEnded else { return }
      _ = running.process.reap()
      programs[token] = nil
    }
  }

  /// How a program has ended; nil while it runs. After SIGTERM of a limit it is not reaped yet, so that its process
  /// group's id cannot be reused.
  func ending(of running: Running) -> ExitStatus? {
    running.isBeingEnded ? running.process.ending : running.process.reap()
  }

  /// At the end of the login, kills what is past its limit.
  func killOverdue() {
    for running in programs.values where running.isBeingEnded { running.process.signalGroup(Signal.kill) }
  }
}
