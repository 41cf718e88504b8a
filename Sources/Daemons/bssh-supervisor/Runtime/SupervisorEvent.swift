import Audit
import IPC
import System

/// An event for a service. All events pass through one queue, in order, and each is handled completely before the next.
enum SupervisorEvent {
  // MARK: External events

  /// The first event.
  case start
  case signal(Int32, process: UInt32, user: UInt32)
  /// A timer has expired.
  case timer(TimerKey)
  /// A descriptor of ``Runtime/watch(_:_:)`` is readable.
  case readable(UInt64)
  /// A message of a process. It may contain a secret, so the bytes are overwritten after it is handled.
  case message([UInt8], [Descriptor], from: Child)
  /// A process has ended, or was not created. All of its messages precede this event.
  case ended(Child, ExitStatus)

  /// A zygote has created a process.
  case made(Child)

  // MARK: Events from one service to another

  /// Accept the next of at most `left` connections from a listening socket.
  case accept(listener: UInt64, left: Int)
  /// A connection was accepted.
  case accepted(NewConnection)
  case connection(ConnectionMachine.Event, of: UInt64)
  /// The session process of a connection has its login; with the socket for the transport.
  case loginOpened(UInt64, Descriptor)
  /// Announce a text on the terminals of a login.
  case announce(String, to: UInt64)
  /// A connection has ended.
  case connectionClosed
  /// A transport was assigned to a connection.
  case transportAssigned(Child, to: UInt64)
  /// A transport is ready, or already serves a connection.
  case transportReady
  /// Hand over the logins as soon as bans are saved.
  case handOver
  /// The daemon ends: write all remaining events to the journal.
  case drain
  /// The messages that logins had sent so far are handled.
  case sessionsRead
  /// The first authority of new settings is ready.
  case candidateReady(Child, [OfferedHostKey])
  /// The first authority of new settings ended before it was ready, with its status.
  case candidateFailed(String)
  /// A reload of the configuration begins.
  case reloadBegins
  /// A reload has ended with this result.
  case reloadEnded(ReloadReply)
  /// There are bans that are not saved.
  case bansChanged
  /// No ban is left to save.
  case bansSaved
  /// Report an event about the daemon itself.
  case audit(AuditRecord)
  /// What the status line for the service manager says has changed.
  case statusChanged
  /// The start of the daemon has failed; the log contains the reason.
  case failed(ExitCode)
  /// The journal is slow: sources of events are paused.
  case backpressureBegins
  /// The journal keeps up again: sources of events are resumed.
  case backpressureEnds
  /// The file of the journal is open, or the start continues without it.
  case journalOpened
  /// The file of the journal cannot be opened, with the reason.
  case journalNotOpened(String)
  /// The directory of the journal was removed, and has been opened again.
  case journalDirectoryOpened
  /// No event is left to write, and the daemon ends.
  case journalDrained
  /// A login of this connection is in the login records, if possible: its program may start.
  case terminalEntered(UInt64)
}
