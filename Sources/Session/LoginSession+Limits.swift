import IPC
import System

extension LoginSession.Running {
  /// It was asked to end, and what is left of its group is still to be killed.
  var isBeingEnded: Bool { limit.map { $0.isOver && $0.nextTime != nil } ?? false }
}

// `shell.command_timeout`.
extension LoginSession {
  /// The limit of a program that starts now. Shells and file transfers have none: a shell waits for its user, and a
  /// large file takes its time.
  func limit(of program: Program) -> CommandLimit? {
    switch program {
    case .command: CommandLimit(seconds: commandTimeout, at: Clock.milliseconds)
    case .forced(let forced):
      forced.wanted.isCommand ? CommandLimit(seconds: commandTimeout, at: Clock.milliseconds) : nil
    case .shell, .sftp, .scp, .forcedSFTP: nil
    }
  }

  /// When there is something to do next.
  var nextLimit: Int64? { programs.values.compactMap { $0.limit?.nextTime }.min() }

  /// Announces and ends what has had its time.
  mutating func keepLimits(at now: Int64) {
    for (token, running) in programs.filter({ $0.value.limit?.nextTime.map { $0 <= now } ?? false }) {
      while let step = programs[token]?.limit?.step(at: now) { take(step, token, running) }
    }
  }

  private mutating func take(_ step: CommandLimit.Step, _ token: UInt64, _ running: Running) {
    let number = running.channel
    switch step {
    case .announce(let seconds):
      guard hasTerminal(number, of: token) else { return }
      let time = "\(seconds) \(seconds == 1 ? "second" : "seconds")"
      send(.announce(channel: number, "bssh: this command ends in \(time) (command time limit)"))
    case .terminate:
      let limit = running.limit?.seconds ?? 0
      note("channel \(number): pid \(running.process.pid) has run for \(limit) s, and is ended: command_timeout")
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

  /// How a program has ended; nil while it runs. One that was asked to end is not reaped yet, so that its group's
  /// number can be no other's.
  func ending(of running: Running) -> ExitStatus? {
    running.isBeingEnded ? running.process.ending : running.process.reap()
  }

  /// The login is over: whatever has had its time does not outlive it.
  func killOverdue() {
    for running in programs.values where running.isBeingEnded { running.process.signalGroup(Signal.kill) }
  }
}
