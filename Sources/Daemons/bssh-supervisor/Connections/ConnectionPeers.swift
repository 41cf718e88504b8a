import AccessControl
import Audit
import IPC
import Model
import System

// What a connection needs of other services.

/// Which connections may start, and what they do that counts against their source. ``AdmissionService``
protocol StartControl: AnyObject {
  /// Decides whether a connection is accepted, and reports it if not. Another one is closed if there is no room.
  func admits(_ client: IPAddress, _ address: SocketAddress, _ number: UInt64) -> Bool
  /// Sets the progress of a connection towards a login.
  func advance(_ number: UInt64, to progress: StartProgress)
  /// Handles the login of a connection, which no longer counts as one without a login.
  func finishStart(_ number: UInt64)
  /// A connection did something that says something about its source. A ban that comes of it ends all of that source's
  /// connections without a login.
  func handle(_ event: AdmissionControl.PenaltyEvent, _ number: UInt64, of client: IPAddress)
  /// A load balancer has checked whether the server is there.
  func countCheck(of address: SocketAddress)
  /// The end of the log line about an event of a connection; nil: no line, because there are too many.
  func suffix(of record: AuditRecord) -> String?
  /// Handles the end of a connection.
  func forget(_ number: UInt64)
}

/// Transports for connections. ``TransportService``
protocol TransportSource: AnyObject {
  /// Requests a transport for a connection. ``SupervisorEvent/transportAssigned(_:to:)`` follows.
  func serve(_ connection: UInt64, of source: ClientSource)
  /// Handles the end of a connection that may be waiting.
  func forget(_ connection: UInt64)
}

/// Questions to authorities. ``AuthorityService``
protocol AuthorityQuestions: AnyObject {
  /// Sends a request of a connection. The reply is an event of the connection.
  ///
  /// - Parameter keys: sealed memory with the authorized_keys files, which is sent with a request about a key.
  func ask(_ question: SupervisorToAuthority, for connection: UInt64, from source: ClientSource, keys: Descriptor?)
  /// Handles the end of a connection.
  func forget(_ connection: UInt64)
}

/// Accounts as shadow(5) has them. ``AccountCheckService``
protocol AccountChecks: AnyObject {
  /// Starts a process that reads an account as root. One `accountChecked` follows.
  func checkAccount(_ question: AccountCheckRequest, for connection: UInt64)
  /// Kills that process, if it has not answered.
  func killCheck(of connection: UInt64)
}

/// The session process of each connection. ``SessionService``
protocol SessionProcesses: AnyObject {
  /// Starts a session process that reads the keys of an account. `session(.keys)` or `sessionFailed` follows.
  func fetchKeys(of account: Account, _ paths: [String], for connection: UInt64)
  /// The memory with the authorized_keys files of a connection; nil: none were read.
  func foundKeys(of connection: UInt64) -> Descriptor?
  /// Starts a login in a session process. ``SupervisorEvent/loginOpened(_:_:)``, `sessionRefused`, `journalRefused` or
  /// `sessionFailed` follows.
  ///
  /// - Parameters:
  ///   - promoting: true: in the process that read the keys.
  ///   - limit: the maximum number of simultaneous logins of the user.
  func open(_ login: Login, promoting: Bool, user: String, limit: Int, for connection: UInt64)
  /// True if a connection has a session process.
  func hasProcess(_ connection: UInt64) -> Bool
  /// Sets the subject of the login of a connection.
  func setSubject(_ subject: Subject, of connection: UInt64)
  /// Lets a program of the login start when the last reported event is in the journal.
  func awaitStart(_ number: UInt64, of connection: UInt64)
  /// Handles that the terminal of the login is in the login records, if possible.
  func enterTerminal(of connection: UInt64)
  /// A login has reported events: it waits when its user has used up the budget.
  func throttle(_ connection: UInt64, user: String?)
  /// Reports an event after the last message of the login's process, or immediately if there is none.
  func recordAtEnd(_ record: AuditRecord, of subject: Subject, _ connection: UInt64)
  /// Handles that the transport is gone: a login hangs up by itself; a timer ensures that it ends.
  func end(of connection: UInt64)
  /// Kills the session process of a connection. Its end is no longer an event of the connection.
  func kill(of connection: UInt64)
  /// Handles the end of a connection. The process of its login may still send messages.
  func forget(_ connection: UInt64)
}

/// Files for recordings. ``RecordingService``
protocol RecordingFiles: AnyObject {
  /// Requests the file of a recording. The reply is an event of the connection: `recordingOpened` or `recordingFailed`.
  ///
  /// - Parameter session: the UUID of the login, for the name of the file.
  func open(in directory: String, user: String, session: String, for connection: UInt64)
  /// Removes and returns the transport's end of the socket pair; nil: there is none.
  func takeSocket(of connection: UInt64) -> Descriptor?
  /// Kills the recorder that this connection waits for, because it does not reply in time.
  func killRecorder(of connection: UInt64)
  /// Handles the end of a connection.
  func forget(_ connection: UInt64)
}

/// What recorders have to be able to do. ``RecorderService``
protocol RecorderDemand: AnyObject {
  /// Sets the needs of a connection; nil: it has ended.
  func setNeeds(_ new: RecordingNeeds?, of connection: UInt64)
}

/// Terminals in the login records. ``LoginRecordService``
protocol TerminalRecords: AnyObject {
  /// Enters the start or the end of a login on a terminal. ``SupervisorEvent/terminalEntered(_:)`` follows a start, even if
  /// it is not entered.
  ///
  /// - Parameter isWanted: true if the settings of this login enable login records.
  func record(_ entry: LoginEntry, isWanted: Bool, of connection: UInt64)
  /// Handles the end of a connection, after the ends of its terminals.
  func forget(_ connection: UInt64)
}
