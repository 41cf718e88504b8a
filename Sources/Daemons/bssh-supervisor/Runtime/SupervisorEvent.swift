import Audit
import IPC
import System

/// Something that happened, for the service that it concerns. All of them go through one queue, in order, and each is
/// handled to its end before the next.
enum SupervisorEvent {
  // MARK: From outside

  /// The first event.
  case start
  case signal(Int32, process: UInt32, user: UInt32)
  /// The time of a timer has come.
  case timer(TimerKey)
  /// A socket that ``Runtime/watch(_:_:)`` was called for can be read.
  case readable(UInt64)
  /// A message of a process, which may contain a secret: the bytes are wiped after it is handled.
  case message([UInt8], [Descriptor], from: Child)
  /// A process has ended, or was never made. All of its messages came before.
  case ended(Child, ExitStatus)

  /// A zygote has made a process.
  case made(Child)

  // MARK: From one service to another that it may not call

  /// The next of at most `left` connections that wait at a listening socket.
  case accept(listener: UInt64, left: Int)
  /// A connection comes.
  case accepted(NewConnection)
  case connection(ConnectionMachine.Event, of: UInt64)
  /// The session process of a connection has its login: this socket to it is for the transport.
  case loginOpened(UInt64, Descriptor)
  /// Something for the terminals of a login.
  case announce(String, to: UInt64)
  /// A connection is over.
  case connectionClosed
  /// A connection gets a transport.
  case transportAssigned(Child, to: UInt64)
  /// A transport is ready, or serves a connection already.
  case transportReady
  /// Logins may go on without this process as soon as bans are saved.
  case letGo
  /// The daemon ends: everything that is left goes to the journal.
  case drain
  /// The messages that logins had sent by then are handled.
  case sessionsRead
  /// The first authority of new settings is ready.
  case candidateReady(Child, [OfferedHostKey])
  /// The first authority of new settings has ended before it was ready, and how.
  case candidateFailed(String)
  /// The configuration is loaded again.
  case reloadBegins
  /// What came of that.
  case reloadEnded(ReloadAnswer)
  /// There are bans that no file has.
  case bansChanged
  /// All bans are saved that can be.
  case bansSaved
  /// An event about the daemon itself is to be recorded.
  case audit(Fact)
  /// What ``Supervisor/status`` says has changed.
  case statusChanged
  /// The start of the daemon has failed, and the log says why.
  case failed(ExitCode)
  /// The journal is slow: who makes events waits.
  case journalHolds
  /// It is not any more.
  case journalReleases
  /// The file of the journal is open, or a start goes on without it.
  case journalOpened
  /// The file of the journal cannot be opened, and why.
  case journalNotOpened(String)
  /// The directory of the journal was removed, and is there again.
  case journalDirectoryOpened
  /// Everything is in the journal that can be, and the daemon ends.
  case journalDrained
  /// The login records have a login of this connection, as far as they can: its program may start.
  case terminalEntered(UInt64)
}
