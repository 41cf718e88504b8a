import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import IPC
import Model
import System

extension ConnectionMachine {
  /// The phase of the connection.
  enum Phase: Equatable, Sendable {
    /// Waits for a transport.
    case starting
    case keyExchange
    case authenticating
    /// The login is granted, and its session process is starting.
    case opening
    case loggedIn
    case closing(Closing)
  }

  /// How a connection is ending.
  enum Closing: Equatable, Sendable {
    /// The transport was told to disconnect; messages that it sent before that are ignored.
    case disconnecting
    /// The transport has sent its last message.
    case closed
    /// The transport was killed and has not ended yet.
    case killed
  }

  /// The addresses of a connection, and the settings at the time when its transport began to serve it.
  struct Context: Equatable, Sendable {
    let client: SocketAddress
    let server: SocketAddress
    /// The public key blobs of the host keys that the transport was given.
    let hostKeys: [[UInt8]]
    /// The settings, with the `match` blocks that select the user applied as soon as the user is known.
    var settings: Settings
    /// The user id of every login if the daemon does not run as root; nil: it does.
    var singleUser: UInt32?

    /// The client's address. It always parses, because the kernel formatted it.
    var clientAddress: IPAddress { IPAddress(client.address) ?? .unspecified }

    /// The login attempt, as access rules and `match` blocks see it.
    func attempt(_ user: String, _ answer: AccountReply) -> LoginAttempt {
      LoginAttempt(user: user, address: clientAddress, groups: Set(answer.groups.map { NamePattern($0) }))
    }
  }

  /// How a connection is ended: the message to the client, and the reported reason.
  struct Disconnect: Equatable, Sendable {
    static let internalError = Disconnect(11, "Internal error", .internalError)

    /// The reason code of SSH_MSG_DISCONNECT. RFC 4253, section 11.1
    let code: UInt32
    let text: String
    let reason: CloseReason
    let detail: String?

    init(_ code: UInt32, _ text: String, _ reason: CloseReason, detail: String? = nil) {
      (self.code, self.text, self.reason, self.detail) = (code, text, reason, detail)
    }
  }

  /// The result of an event if other parts of the machine are concerned too.
  struct Reaction: Equatable, Sendable {
    var actions: [Action]
    /// The next step, after the actions; nil: none.
    var next: Next?
    /// Penalties for the source of the connection, now or at its end.
    var penalties: [PenaltyState.Event]

    init(_ actions: [Action] = [], next: Next? = nil, penalties: [PenaltyState.Event] = []) {
      (self.actions, self.next, self.penalties) = (actions, next, penalties)
    }
  }

  /// The next step, in another part of the machine.
  enum Next: Equatable, Sendable {
    /// Look up this user; the client's message waits for that.
    case lookUpAccount(user: String)
    /// No authority replied: handle the client's message without an account. The next one causes a new look-up.
    case accountUnavailable
    /// The account is known, and this policy applies.
    case accountKnown(AccountReply, AuthenticationMachine.Policy)
    /// The login is granted: open the session.
    case openSession
    case disconnect(Disconnect)
  }

  /// A timer of a connection.
  enum Timer: Hashable, CaseIterable, Sendable {
    /// Time limit from accept(2) to a login.
    case loginGrace
    /// Time limit for the transport to disconnect and end.
    case disconnectGrace
    /// Time limit for reading the user's keys.
    case lookUp
    /// Time limit for reading the system's account.
    case accountCheck
    /// Minimum time of the reply to a password, a code or a refused key.
    case passwordAnswer
    /// Delay of a signature above the rate.
    case signature
    /// Time until the transport is asked how long the login has been idle.
    case idle
    /// Time until the announcement of the session limit, and then until the limit.
    case session
    /// Time limit for creating the file of a recording.
    case recording
  }

  /// An event of the connection.
  enum Event: Equatable, Sendable {
    /// The connection was accepted, and waits for a transport.
    case accepted
    /// A transport serves the connection, with these settings and host keys.
    case served(Context)
    case transport(TransportToSupervisor)
    /// The transport sent an invalid message, or descriptors.
    case transportMisbehaved(String)
    /// The transport process has ended.
    case transportEnded(ExitStatus)
    /// The authority's reply; nil: there is none.
    case signed([UInt8]?)
    case proved([UInt8]?)
    case account(AccountReply?)
    case verdict(Verdict?)
    /// The reply to `checkAccount`; nil: the account could not be read.
    case accountChecked(AccountState?)
    /// A message of the session process: first the keys that it has read, later those of the login.
    case session(SessionToSupervisor)
    case sessionMisbehaved(String)
    /// The reply to `openSession`: the session has started, and the login has this UUID.
    case sessionOpened(EventID)
    /// The reply to `openSession`: the user already has this number of logins, which is the maximum.
    case sessionRefused(open: Int)
    /// The reply to `openSession`: events cannot be written, and this user may not log in without them.
    case journalRefused
    case sessionFailed(String)
    /// The session process has ended, either while reading keys or as the login.
    case sessionEnded(ExitStatus)
    case timer(Timer)
    /// The reply to `openRecording`: the file was created at this path.
    case recordingOpened(String)
    case recordingFailed(String)
    /// The source of the connection was banned.
    case banned
    /// The connection must make room for one from this address.
    case displaced(by: SocketAddress)
    /// The daemon ends: disconnect.
    case shutDown
    /// The daemon ends and hands over logins only: drop the connection.
    case abandon
  }

  /// What the caller must do, in this order.
  enum Action: Equatable, Sendable {
    /// Send this message to the transport.
    case send(SupervisorToTransport)
    case ask(SupervisorToAuthority)
    /// Start a session process that reads these files as the account. The reply is `session(.keys)`, or `sessionFailed` if
    /// it cannot be started.
    case startKeyFetch(Account, paths: [String])
    /// Start a process that reads the account as root. The reply is one `accountChecked`.
    case checkAccount(AccountCheckRequest)
    /// Kill that process.
    case killAccountCheck
    /// Start the login, in the session process that read the keys (`promoting`) or in a new one; then send `.success` with
    /// the socket to it to the transport, unless the user already has ``ConnectionMachine/sessionLimit`` logins. The reply
    /// is `sessionOpened`, `sessionRefused`, `journalRefused` or `sessionFailed`.
    case openSession(Login, promoting: Bool)
    /// Kill the process that reads the keys.
    case killSession
    /// The transport is gone: let the session hang up, and ensure that it ends.
    case endSession
    case killTransport
    case setTimer(Timer, milliseconds: Int64)
    case cancelTimer(Timer)
    /// Count this for or against the source of the connection.
    case penalty(AdmissionControl.PenaltyEvent)
    /// Write a line to the log that is not an event.
    case log(Log.Level, String)
    /// Log a warning that is the same for every connection only once.
    case warnOnce(String)
    /// Report an event of this subject to the journal and the log. The caller adds the number of the connection.
    case audit(AuditRecord, Subject)
    /// As `audit`, but after the last events of the session process, if there is one.
    case auditAfterSession(AuditRecord, Subject)
    /// Count a health check of a load balancer.
    case countCheck
    /// Create the file of a recording. The reply is one `recordingOpened` or `recordingFailed`.
    case openRecording(directory: String)
    /// Kill the recorder, which does not reply.
    case killRecorder
    /// Send ``SupervisorToTransport/recording(channel:title:)`` to the transport, with the created file.
    case giveRecording(channel: UInt32, title: String)
    /// Write this entry with the current time to the login records.
    case recordLogin(LoginEntry)
    /// Let the session process start a program when the last event is in the journal:
    /// ``SupervisorToSession/mayStart(number:allowed:)``.
    case awaitStart(UInt64)
    /// Forget the connection. This is the last action.
    case close
  }
}

/// A process sent a message that is not allowed in this phase, which our program would never do.
struct ProtocolViolation: Error, Equatable, Sendable {
  /// What the process did, as predicate of a sentence: `spoke out of turn`.
  let what: String

  init(_ what: String) { self.what = what }
}
