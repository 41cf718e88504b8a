import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import IPC
import Model
import System

extension ConnectionMachine {
  /// How far the connection is.
  enum Phase: Equatable, Sendable {
    /// Waits for a transport.
    case starting
    case keyExchange
    case authenticating
    /// The login is granted, and its session process is being started.
    case opening
    case loggedIn
    case closing(Closing)
  }

  /// How a connection ends.
  enum Closing: Equatable, Sendable {
    /// The transport was told to disconnect; what it sent before it knew is ignored.
    case told
    /// The transport has sent its last message.
    case closed
    /// The transport was killed; its end is waited for.
    case killed
  }

  /// A connection's addresses, and the settings of the time when its transport began to serve it.
  struct Context: Equatable, Sendable {
    let client: SocketAddress
    let server: SocketAddress
    /// Public blobs of the host keys that the transport was given.
    let hostKeys: [[UInt8]]
    /// Once it is known who the user is, with the blocks of `match` that hold for them.
    var settings: Settings
    /// Not started as root: the one user whose rights every login has.
    var singleUser: UInt32?

    /// The client's; the kernel's own text for an address always is one.
    var clientAddress: IPAddress { IPAddress(client.address) ?? .unspecified }

    /// The login attempt, as access rules and `match` blocks see it.
    func applicant(_ user: String, _ answer: AccountAnswer) -> Applicant {
      Applicant(user: user, address: clientAddress, groups: Set(answer.groups.map { NamePattern($0) }))
    }
  }

  /// What ends a connection: what the client is told, and what is reported.
  struct Disconnect: Equatable, Sendable {
    static let internalError = Disconnect(11, "Internal error", .internalError)

    /// RFC 4253, section 11.1
    let code: UInt32
    let text: String
    let reason: CloseReason
    let detail: String?

    init(_ code: UInt32, _ text: String, _ reason: CloseReason, detail: String? = nil) {
      (self.code, self.text, self.reason, self.detail) = (code, text, reason, detail)
    }
  }

  /// What an event leads to, when the part that handles it cannot do all of it.
  struct Reaction: Equatable, Sendable {
    var actions: [Action]
    /// What follows the actions.
    var next: Next?
    /// What counts against the source of the connection, or may count at its end.
    var penalties: [PenaltyState.Event]

    init(_ actions: [Action] = [], next: Next? = nil, penalties: [PenaltyState.Event] = []) {
      (self.actions, self.next, self.penalties) = (actions, next, penalties)
    }
  }

  /// What follows an event in another part of the machine.
  enum Next: Equatable, Sendable {
    /// The client's message waits until it is known who this user is.
    case lookUpAccount(user: String)
    /// No authority answered: the client's message is answered without an account, and the next one asks again.
    case accountUnavailable
    /// Everything is known that rules look at, and this policy applies.
    case accountKnown(AccountAnswer, AuthenticationMachine.Policy)
    /// The login is granted.
    case openSession
    case disconnect(Disconnect)
  }

  /// A timer of a connection.
  enum Timer: Hashable, CaseIterable, Sendable {
    /// From accept to a login.
    case loginGrace
    /// From the request to disconnect to the transport's end.
    case goodbye
    /// Reading the user's keys.
    case lookUp
    /// Looking the account up in the system.
    case accountCheck
    /// Until a password, a code, or a key that is refused may be answered.
    case passwordAnswer
    /// Until the next signature is allowed.
    case signature
    /// Until the transport is asked how long the login has been idle.
    case idle
    /// Until the session time is almost over, and then until it is over.
    case session
    /// Making the file of a recording.
    case recording
  }

  /// What happened.
  enum Event: Equatable, Sendable {
    /// The connection was accepted; it waits for a transport.
    case accepted
    /// A transport serves it, with these settings and host keys.
    case served(Context)
    case transport(TransportToSupervisor)
    /// The transport sent what is no message, or descriptors.
    case transportMisbehaved(String)
    /// The transport's process has ended.
    case transportEnded(ExitStatus)
    /// An authority's answer; nil: there is none.
    case signed([UInt8]?)
    case proved([UInt8]?)
    case account(AccountAnswer?)
    case verdict(Verdict?)
    /// The answer to `checkAccount`; nil: nothing could be found out.
    case accountChecked(AccountState?)
    /// A message of the session process: first the keys that it has read, later reports of the login.
    case session(SessionToSupervisor)
    case sessionMisbehaved(String)
    /// The answer to `openSession`: the login has this name from now on.
    case sessionOpened(EventID)
    /// The answer to `openSession`: the user has so many logins, and may have no more.
    case sessionRefused(open: Int)
    /// The answer to `openSession`: events cannot be written, and without them this user may not log in.
    case journalRefused
    case sessionFailed(String)
    /// The session process has ended, whether it read keys or was the login.
    case sessionEnded(ExitStatus)
    case timer(Timer)
    /// The answer to `openRecording`.
    case recordingOpened(String)
    case recordingFailed(String)
    /// The source of the connection is banned from now on.
    case banned
    /// The connection has to make room for one from this address.
    case displaced(by: SocketAddress)
    /// The server ends: disconnect.
    case shutDown
    /// The server ends and only logins may go on: drop the connection.
    case abandon
  }

  /// What to do now, in this order.
  enum Action: Equatable, Sendable {
    /// Send this to the transport.
    case tell(SupervisorToTransport)
    case ask(SupervisorToAuthority)
    /// Start a session process as the account, and let it read these files. Answered by `session(.keys)`, or by
    /// `sessionFailed` when it cannot be started.
    case startLookUp(Account, paths: [String])
    /// Start a process of root that looks the account up. Answered by `accountChecked`, once.
    case checkAccount(AccountQuestion)
    /// Kill that process.
    case killAccountCheck
    /// Start the login, in the session process that read the keys (`promoting`) or in a new one; then send `.success`
    /// with the socket to it to the transport, unless the user has ``ConnectionMachine/sessionLimit`` logins already.
    /// Answered by `sessionOpened`, `sessionRefused`, `journalRefused` or `sessionFailed`.
    case openSession(Login, promoting: Bool)
    /// Kill the process that reads keys.
    case killSession
    /// The transport is gone: let the session hang up, and make sure that it ends.
    case endSession
    case killTransport
    case setTimer(Timer, milliseconds: Int64)
    case cancelTimer(Timer)
    /// What the connection did counts for or against its source.
    case note(AdmissionControl.Conduct)
    /// A line of the log that is no event.
    case log(Log.Level, String)
    /// A warning that is the same for every connection: one line of the log for all of them.
    case warnOnce(String)
    /// An event of this subject, whose connection number the caller adds: for the journal, and a line of the log.
    case audit(Fact, Subject)
    /// The same, after the events of the session process, if there is one.
    case auditAfterSession(Fact, Subject)
    /// It was a health check of a load balancer.
    case countCheck
    /// Make the file of a recording. Answered by `recordingOpened` or `recordingFailed`, once.
    case openRecording(directory: String)
    /// The recorder does not answer: kill it.
    case killRecorder
    /// Send ``SupervisorToTransport/recording(channel:title:)`` to the transport, with the file that was made.
    case giveRecording(channel: UInt32, title: String)
    /// Write this to the login records, with the time of now.
    case recordLogin(LoginEntry)
    /// Let the session process start a program once the last event is in the journal:
    /// ``SupervisorToSession/mayStart(number:allowed:)``.
    case awaitStart(UInt64)
    /// Forget the connection; the last action.
    case close
  }
}

/// A process sent what the program that was started does not send now.
struct ProtocolViolation: Error, Equatable, Sendable {
  /// What it did, after its name: `spoke out of turn`.
  let what: String

  init(_ what: String) { self.what = what }
}
