import IPC
import System
import Wire

/// The system as services see it: processes, sockets, timers, a clock, the log and the event queue. Tests of services use
/// another implementation.
protocol Runtime: AnyObject {
  /// The time of the monotonic clock, in milliseconds.
  var now: Int64 { get }
  /// Microseconds since 1970.
  var time: Int64 { get }
  /// The running processes, by their numbers.
  var children: [UInt64: Child] { get }

  /// A number that was not returned before.
  func newNumber() -> UInt64
  /// Writes a line to the log.
  func log(_ level: Log.Level, _ text: String)
  /// True if lines of this level are written.
  func logs(_ level: Log.Level) -> Bool
  /// Sets the lowest level of lines that are written.
  func setLogThreshold(_ level: Log.Level)
  /// Lines go to syslog(3) by way of this socket from now on.
  func logToSystemLog(_ socket: Descriptor)

  /// Sets the timer of a key to a time of ``now``; replaces an earlier one.
  func setTimer(_ key: TimerKey, at time: Int64)
  func cancelTimer(_ key: TimerKey)
  func hasTimer(_ key: TimerKey) -> Bool

  /// Appends an event to the queue. It is handled after the current one.
  func post(_ event: SupervisorEvent)

  /// Posts ``SupervisorEvent/readable(_:)`` with this number whenever `descriptor` is readable.
  ///
  /// - Throws: `SystemError` from epoll_ctl(2).
  func watch(_ descriptor: Descriptor, _ number: UInt64) throws(SystemError)
  /// Stops watching a descriptor, if it is watched.
  func unwatch(_ descriptor: Descriptor)

  /// Starts a process. Its messages and its end become events.
  ///
  /// - Throws: `SystemError` when it cannot be started.
  func spawn(_ program: Program) throws(SystemError) -> Child
  /// Asks a zygote to create a process, which gets one end of a new socket. Messages can be sent to it immediately.
  ///
  /// - Parameter identity: the credentials of the process; nil: those of the zygote.
  /// - Throws: `SystemError` when the socket cannot be created.
  func copy(_ role: Child.Role, of zygote: Child, _ identity: ForkIdentity?) throws(SystemError) -> Child
  /// Handles that a zygote has created this process. False: it cannot be watched, so it was killed, and its end is an event.
  ///
  /// - Parameter isChild: true if it must be a child of this process.
  /// - Throws: `SystemError` when there is no such process.
  func adopt(_ pid: Int32, isChild: Bool, as child: Child) throws(SystemError) -> Bool
  /// Removes a process that has ended or was not created, and posts its end.
  func forget(_ child: Child, _ status: ExitStatus)
  /// Sends a message, or queues it while the socket is full. A process that is gone or does not read is killed.
  func send(_ message: SecretBytes, _ descriptors: [Descriptor], to child: Child)
  /// Sends the queued messages of a process, and blocks until it has ended. Only for the end of the daemon. False: it has
  /// not ended at the `deadline`, a time of ``now``.
  func waitForEnd(of child: Child, until deadline: Int64) -> Bool
  /// Stops reading the messages of a process.
  func pause(_ child: Child)
  /// Reads the messages of a process again.
  func resume(_ child: Child)
  /// Reads what these processes have sent by now, also of those that are paused, then posts `event`.
  func readRest(of children: [Child], then event: SupervisorEvent)
  /// Kills all processes, because the daemon ends.
  func killAll()
  /// This process is a copy of the one that waited for signals: signals are for this one from now on.
  ///
  /// - Throws: `SystemError` from epoll_ctl(2).
  func watchSignalsAgain() throws(SystemError)
}

extension Runtime {
  /// Sets the timer of a key to a time after ``now``.
  func setTimer(_ key: TimerKey, after milliseconds: Int64) { setTimer(key, at: now + milliseconds) }

  /// Sends a message, or queues it while the socket is full.
  func send(_ message: some WireCodable, _ descriptors: [Descriptor] = [], to child: Child) {
    send(SecretBytes(encoding: message), descriptors, to: child)
  }
}
