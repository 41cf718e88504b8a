import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import IPC
import System

extension ConnectionMachine {
  /// What a connection goes by: where it is, and the settings of the time when a transport got it.
  struct Context: Equatable, Sendable {
    let client: SocketAddress
    let server: SocketAddress
    /// Public blobs of the host keys that the transport was given.
    let hostKeys: [[UInt8]]
    /// Once it is known who asks, with what blocks of `match` say of them.
    var settings: Settings
    /// Not started as root: the one user whose rights every login has.
    var singleUser: UInt32?

    /// Who asks to be let in.
    func applicant(_ user: String, _ answer: AccountAnswer) -> Applicant {
      // The kernel's own text for an address is always one.
      let address = IPAddress(client.address) ?? IPAddress.unspecified
      return Applicant(user: user, address: address, groups: Set(answer.groups.map { NamePattern($0) }))
    }

    /// True when authorized_keys can matter.
    var looksKeysUp: Bool { settings.auth.methods.contains(.publickey) }
  }

  /// What can take too long, or has to wait.
  enum Timer: Hashable, CaseIterable, Sendable {
    /// From accept to a login.
    case loginGrace
    /// From a goodbye to the transport's end.
    case goodbye
    /// A look-up of keys.
    case lookUp
    /// A look-up of the account by the process that is root for that.
    case accountCheck
    /// Until a password, a code, or a key that is refused may be answered.
    case passwordAnswer
    /// Until the next signature is allowed.
    case signature
    /// Until the transport is asked how long the login has been silent.
    case idle
    /// Until the login's time is almost over, and then until it is over.
    case session
    /// Until a recording must have its file.
    case recording
  }

  /// What happened.
  enum Event: Equatable, Sendable {
    /// The connection was accepted; it waits for a transport.
    case accepted
    /// A transport has it; with the settings that this transport was given, if others than at accept.
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
    /// What `checkAccount` came to; nil: nothing could be found out.
    case accountChecked(AccountState?)
    /// What the session process says: in look-up mode the keys, and later notes.
    case session(SessionToSupervisor)
    case sessionMisbehaved(String)
    /// What `openSession` came to: the login has this name from now on.
    case sessionOpened(EventID)
    /// What `openSession` came to: the user has so many logins, and may have no more.
    case sessionRefused(open: Int)
    /// What `openSession` came to: events cannot be written, and without them this user may not log in.
    case journalRefused
    case sessionFailed(String)
    /// The session process, in either mode, has ended.
    case sessionEnded(ExitStatus)
    case timer(Timer)
    /// What `openRecording` came to.
    case recordingOpened(String)
    case recordingFailed(String)
    /// The source that it comes from is banned from now on.
    case banned
    /// It has to make room for a connection from this address.
    case displaced(by: SocketAddress)
    /// The server ends: say goodbye.
    case shutDown
    /// The server ends and only logins may go on: drop it.
    case abandon
  }

  /// What to do now, in this order.
  enum Action: Equatable, Sendable {
    case tell(SupervisorToTransport)
    case ask(SupervisorToAuthority)
    /// Start a session process as the account, and let it read these files. Answered by `session(.keys)`, and by
    /// `sessionFailed` when it cannot be started.
    case startLookUp(Account, paths: [String])
    /// Start a process as root that looks the account up. Answered by `accountChecked`, once.
    case checkAccount(AccountQuestion)
    /// Kill that process.
    case killAccountCheck
    /// Start the login, in the session process that looked the keys up (`promoting`) or in a new one; then tell the
    /// transport `.success` with the socket to it; unless the user has ``ConnectionMachine/sessionLimit`` logins already.
    /// Answered by `sessionOpened`, `sessionRefused`, `journalRefused` or `sessionFailed`.
    case openSession(Login, promoting: Bool)
    /// Kill the process that looks keys up.
    case killSession
    /// Its transport is gone: let the session hang up, and see to it that it ends.
    case endSession
    case killTransport
    case setTimer(Timer, milliseconds: Int64)
    case cancelTimer(Timer)
    /// What it did says something about its source.
    case note(AdmissionControl.Conduct)
    /// A line of the log that is no event.
    case log(Log.Level, String)
    /// A warning that is the same for every connection: one line of the log for all of them.
    case warnOnce(String)
    /// Something happened in the connection of this subject, whose number the caller adds: an event of the journal, and
    /// a line of the log.
    case audit(Fact, Subject)
    /// The same, but the process of the login is to tell what it has to tell first, if it is there.
    case auditAfterSession(Fact, Subject)
    /// It was a load balancer's look whether the server is there.
    case countCheck
    /// Make the file of a recording. Answered by `recordingOpened` or `recordingFailed`, once.
    case openRecording(directory: String)
    /// It does not answer.
    case killRecorder
    /// Tell the transport ``SupervisorToTransport/recording(channel:title:)``, with the file that was made.
    case giveRecording(channel: UInt32, title: String)
    /// Put this into the login records; its time is now.
    case recordLogin(LoginEntry)
    /// Let the session process start a program once what was recorded last is in the journal:
    /// ``SupervisorToSession/mayStart(number:allowed:)``.
    case awaitStart(UInt64)
    /// Forget the connection; the last action.
    case close
  }
}
