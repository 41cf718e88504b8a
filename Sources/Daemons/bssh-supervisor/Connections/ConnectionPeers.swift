import AccessControl
import Audit
import IPC
import Model
import System

// What a connection needs of other services.

/// Which connections may start, and what they do that counts against their source. ``AdmissionService``
protocol StartControl: AnyObject {
  /// Whether a connection may start; if not, the log says why. Another one is closed for it where there is no place.
  func admits(_ client: IPAddress, _ address: SocketAddress, _ number: UInt64) -> Bool
  /// How far a connection is on its way to a login.
  func advance(_ number: UInt64, to progress: StartProgress)
  /// A connection has logged in: it counts no more among those without a login.
  func finishStart(_ number: UInt64)
  /// A connection did something that says something about its source. A ban that comes of it ends all of that source's
  /// connections without a login.
  func note(_ conduct: AdmissionControl.Conduct, _ number: UInt64, of client: IPAddress)
  /// A load balancer has checked whether the server is there.
  func countCheck(of address: SocketAddress)
  /// What the line about an event of a connection ends with; nil: it is left out, as one of a flood.
  func suffix(of fact: Fact) -> String?
  /// A connection is over.
  func forget(_ number: UInt64)
}

/// Transports for connections. ``TransportService``
protocol TransportSource: AnyObject {
  /// A connection needs a transport. ``SupervisorEvent/transportAssigned(_:to:)`` follows.
  func serve(_ connection: UInt64, of source: ClientSource)
  /// A connection that may still be waiting is over.
  func forget(_ connection: UInt64)
}

/// Questions to authorities. ``AuthorityService``
protocol AuthorityQuestions: AnyObject {
  /// Asks for a connection. The answer is an event of the connection.
  ///
  /// - Parameter keys: the authorized_keys that were found, sealed; they are sent with the question about a key.
  func ask(_ question: SupervisorToAuthority, for connection: UInt64, from source: ClientSource, keys: Descriptor?)
  /// A connection is over.
  func forget(_ connection: UInt64)
}

/// Accounts as shadow(5) has them. ``AccountCheckService``
protocol AccountChecks: AnyObject {
  /// Starts a process that looks an account up, and stays root for that. `accountChecked` follows, once.
  func checkAccount(_ question: AccountQuestion, for connection: UInt64)
  /// Kills that process, if it has not answered.
  func killCheck(of connection: UInt64)
}

/// The session process of each connection. ``SessionService``
protocol SessionProcesses: AnyObject {
  /// Starts a session process that reads an account's keys. `session(.keys)` or `sessionFailed` follows.
  func lookUpKeys(of account: Account, _ paths: [String], for connection: UInt64)
  /// The authorized_keys that were found for a connection.
  func foundKeys(of connection: UInt64) -> Descriptor?
  /// Gives a login to a session process. ``SupervisorEvent/loginOpened(_:_:)`` follows, or `sessionRefused`,
  /// `journalRefused` or `sessionFailed`.
  ///
  /// - Parameters:
  ///   - promoting: in the process that looked the keys up.
  ///   - limit: logins that the user may have.
  func open(_ login: Login, promoting: Bool, user: String, limit: Int, for connection: UInt64)
  /// True when a connection has a session process.
  func hasProcess(_ connection: UInt64) -> Bool
  /// It is known whose login a connection is.
  func setSubject(_ subject: Subject, of connection: UInt64)
  /// The login's program may start once what was recorded last is in the journal.
  func awaitStart(_ number: UInt64, of connection: UInt64)
  /// The login records have the login's terminal, as far as they can.
  func enterTerminal(of connection: UInt64)
  /// A login has reported events: it waits when its user has used up the budget.
  func throttle(_ connection: UInt64, user: String?)
  /// Records an event once the process of the login has told what it has to tell, if it is there.
  func recordAtEnd(_ fact: Fact, of subject: Subject, _ connection: UInt64)
  /// The transport is gone: a login hangs up by itself, in time.
  func end(of connection: UInt64)
  /// Kills the session process of a connection; its end says nothing about the connection any more.
  func kill(of connection: UInt64)
  /// A connection is over; the process of its login may have more to tell.
  func forget(_ connection: UInt64)
}

/// Files for recordings. ``RecordingService``
protocol RecordingFiles: AnyObject {
  /// Has the file of a recording made. The answer is an event of the connection: `recordingOpened` or `recordingFailed`.
  ///
  /// - Parameter session: the id of the login, for the name of the file.
  func open(in directory: String, user: String, session: String, for connection: UInt64)
  /// The transport's end of the socket over which the file comes, once; nil: there is none.
  func takeSocket(of connection: UInt64) -> Descriptor?
  /// The recorder that this connection has asked does not answer in time: kills it.
  func killRecorder(of connection: UInt64)
  /// A connection is over.
  func forget(_ connection: UInt64)
}

/// What recorders have to be able to do. ``RecorderService``
protocol RecorderDemand: AnyObject {
  /// What a connection needs from now on; nil: it is over.
  func setNeeds(_ new: RecordingNeeds?, of connection: UInt64)
}

/// Terminals in the login records. ``LoginRecordService``
protocol TerminalRecords: AnyObject {
  /// A login begins or ends on a terminal. ``SupervisorEvent/terminalEntered(_:)`` follows a beginning, also when it is left
  /// out of the records.
  ///
  /// - Parameter isWanted: whether the settings of this login want it in the records.
  func record(_ entry: LoginEntry, isWanted: Bool, of connection: UInt64)
  /// A connection is over; its terminals have ended before.
  func forget(_ connection: UInt64)
}
