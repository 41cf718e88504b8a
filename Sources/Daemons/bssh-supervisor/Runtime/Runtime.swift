import IPC
import System
import Wire

/// What a service needs of the system: processes, sockets, timers, a clock, the log and the queue of events. Services
/// are tested with another implementation.
protocol Runtime: AnyObject {
  /// Milliseconds of a clock that only grows.
  var now: Int64 { get }
  /// Microseconds since 1970.
  var time: Int64 { get }
  /// Processes that have not ended, by their numbers.
  var children: [UInt64: Child] { get }

  /// A number that was never returned before.
  func newNumber() -> UInt64
  /// Writes a line to the log.
  func log(_ level: Log.Level, _ text: String)
  /// True when a line of this level would be written.
  func logs(_ level: Log.Level) -> Bool

  /// Sets the timer of a key to a time of ``now``, in place of the one that it has.
  func setTimer(_ key: TimerKey, at time: Int64)
  func cancelTimer(_ key: TimerKey)
  func hasTimer(_ key: TimerKey) -> Bool

  /// Puts an event behind those that wait. It is handled after the current one.
  func post(_ event: SupervisorEvent)

  /// Posts ``SupervisorEvent/readable(_:)`` with this number whenever `descriptor` can be read.
  ///
  /// - Throws: what epoll_ctl(2) says.
  func watch(_ descriptor: Descriptor, _ number: UInt64) throws(SystemError)
  /// The opposite; nothing happens when it was not watched.
  func unwatch(_ descriptor: Descriptor)

  /// Starts a process. Its messages and its end are events.
  ///
  /// - Throws: what the system says when it cannot be started.
  func spawn(_ program: Program) throws(SystemError) -> Child
  /// Has a zygote make a process, with one end of a new socket. Messages may be sent to it at once.
  ///
  /// - Parameter identity: nil: the zygote's.
  /// - Throws: what the system says when there is no socket for it.
  func copy(_ role: Child.Role, of zygote: Child, _ identity: ForkIdentity?) throws(SystemError) -> Child
  /// A zygote has made this process. False: it cannot be watched; it was killed, and its end is an event.
  ///
  /// - Parameter isChild: whether its parent is this process.
  /// - Throws: when there is no such process.
  func adopt(_ pid: Int32, isChild: Bool, as child: Child) throws(SystemError) -> Bool
  /// A process has ended, or was never made: its end is an event.
  func forget(_ child: Child, _ status: ExitStatus)
  /// Sends a message, or queues it until the process has room. A process that is gone or does not read is killed.
  func send(_ message: SecretBytes, _ descriptors: [Descriptor], to child: Child)
  /// Sends what is queued for a process, and waits until it has ended: for the end of the daemon, when nothing else
  /// happens any more. False: it has not by the `deadline`, a time of ``now``.
  func waitForEnd(of child: Child, until deadline: Int64) -> Bool
  /// Stops reading the messages of a process.
  func pause(_ child: Child)
  /// Reads the messages of a process again.
  func resume(_ child: Child)
}

extension Runtime {
  /// Sets the timer of a key to so many milliseconds from now.
  func setTimer(_ key: TimerKey, after milliseconds: Int64) { setTimer(key, at: now + milliseconds) }

  /// Sends a message, or queues it until the process has room.
  func send(_ message: some WireCodable, _ descriptors: [Descriptor] = [], to child: Child) {
    send(SecretBytes(encoding: message), descriptors, to: child)
  }
}
