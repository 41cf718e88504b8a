import Audit
import Authentication
import IPC
import Model
import System

/// What is reported of a client's way to a login: each attempt once, the login, and whose connection it is.
struct LoginReport: Sendable {
  typealias Action = ConnectionMachine.Action

  /// Whose connection it is, as far as that is known.
  private(set) var subject = Subject()
  private var attempts = AuthAttemptLog()
  /// Descriptions of the keys that were accepted so far.
  private var provenKeys: [String] = []

  init(_ client: SocketAddress) { (subject.clientAddress, subject.clientPort) = (client.address, client.port) }

  /// The first key exchange is over: it and the client's identification belong to the subject. RFC 4253, section 4.2
  mutating func negotiated(_ negotiated: Negotiated) {
    subject.clientVersion = "SSH-2.0-\(negotiated.client)"
    subject.keyExchange = negotiated.keyExchange
  }

  /// The client asks for something. The first name that it gives is that of the subject.
  mutating func begin(_ method: String, _ user: String?, isQuestion: Bool) {
    subject.user = subject.user ?? user
    attempts.begin(method, isQuestion: isQuestion)
  }

  /// A key that was asked about would be accepted.
  mutating func offerAccepted(_ user: String?, by method: String, _ verdict: Verdict?) -> Action {
    attempts.questionAnswered(Reason(LoginFailure.notSigned), key: verdict?.fingerprint ?? "")
    return .log(.debug, "asked \(Self.text(user, method)): would do\(Self.comma(verdict))")
  }

  /// A step is proven, and one of `next` is needed as well.
  mutating func partlyAccepted(
    _ user: String?, by method: String, _ verdict: Verdict?, next: [AuthenticationMachine.Step]
  ) -> Action {
    attempts.proved()
    let steps = next.map(\.rawValue).joined(separator: " or ")
    return .log(.info, "partly accepted \(Self.text(user, method))\(Self.comma(verdict)): needs \(steps) as well")
  }

  /// A key was accepted.
  mutating func proved(_ verdict: Verdict?) { if let key = verdict?.keyDescription { provenKeys.append(key) } }

  /// A request was refused.
  mutating func refused(
    _ refusal: AuthenticationMachine.Refusal, _ user: String?, by method: String, _ credential: Credential?,
    _ account: AccountAnswer?, _ verdict: Verdict?
  ) -> Action {
    let nobody = refusal == .noneMethod ? account?.refusal.map { Reason($0) } : nil
    let reason = refusal == .credentials ? Self.reason(verdict, account) : nobody ?? Reason(refusal)
    // Asking for the methods, or whether a key would be accepted, is no attempt. But when something says that the key
    // may not be used, nothing else will come: clients do not sign with it.
    let isQuestion = refusal == .noneMethod || (credential?.isOffer == true && verdict?.isAboutKnownKey != true)
    guard isQuestion else {
      let result: EventResult = refusal != .credentials ? .denied : verdict == nil ? .error : .failure
      return failed(method, result, reason, verdict)
    }
    attempts.questionAnswered(reason, key: verdict?.fingerprint ?? "")
    return .log(.debug, "refused \(Self.text(user, method)): \(reason?.code ?? "")\(Self.comma(verdict))")
  }

  /// A request was refused, and with it the client: `text` is what the client is told.
  mutating func disconnected(
    _ ending: AuthenticationMachine.Ending, _ counted: AuthenticationMachine.Refusal?, _ text: String,
    by method: String, _ account: AccountAnswer?, _ verdict: Verdict?
  ) -> Action {
    switch ending.report {
    case .suspicious(let suspicion):
      attempts.reported()
      return ConnectionReport.suspicious(suspicion, text, subject)
    case .failed(let result, let failure):
      let reason =
        counted == .credentials ? Self.reason(verdict, account) : counted.map { Reason($0) } ?? Reason(failure)
      return failed(method, result, reason, verdict, text)
    }
  }

  /// The login is granted; `key` is the fingerprint of the first key.
  mutating func granted(_ steps: [AuthenticationMachine.Step], key: String?) {
    subject.method = steps.map(\.rawValue).joined(separator: ",")
    subject.keyFingerprint = key
  }

  /// The session of the login has begun.
  mutating func sessionOpened(_ id: EventID, _ account: Account) -> [Action] {
    attempts.reported()
    subject.sessionID = id
    var success = Fact(.authSuccess, .success, .ssh)
    success.details = provenKeys.isEmpty ? nil : provenKeys.joined(separator: ", ")
    var start = Fact(.sessionStart, .success, .ssh)
    start.details = "as uid \(account.uid), gid \(account.gid)"
    return [.audit(success, subject), .audit(start, subject)]
  }

  /// The session of the login could not begin.
  mutating func sessionNotOpened(_ reason: LoginFailure, _ result: EventResult, _ details: String) -> Action {
    attempts.reported()
    let (method, key) = (subject.method ?? "", subject.keyFingerprint ?? "")
    return failure(method, result, Reason(reason), key: key, [details])
  }

  /// The connection has ended without a login: the attempt that no event reports.
  ///
  /// - Parameter proven: the steps that the client has proven.
  func ended(proven: [AuthenticationMachine.Step]) -> [Action] {
    guard let (attempt, details) = attempts.unreported(proven: proven.map(\.rawValue)) else { return [] }
    let keys = attempt.reason == Reason(LoginFailure.incomplete) ? provenKeys : []
    return [failure(attempt.method, .failure, attempt.reason, key: attempt.key, [details].compactMap(\.self) + keys)]
  }

  /// Why credentials were refused: nobody can have the right ones of a user that does not exist.
  private static func reason(_ verdict: Verdict?, _ account: AccountAnswer?) -> Reason? {
    guard let verdict else { return Reason(LoginFailure.noAuthority) }
    return account?.refusal.map { Reason($0) } ?? verdict.reason
  }

  private mutating func failed(
    _ method: String, _ result: EventResult, _ reason: Reason?, _ verdict: Verdict?, _ more: String? = nil
  ) -> Action {
    attempts.reported()
    let details = [verdict?.keyDescription, more].compactMap(\.self)
    return failure(method, result, reason, key: verdict?.fingerprint ?? "", details)
  }

  private func failure(
    _ method: String, _ result: EventResult, _ reason: Reason?, key: String, _ details: [String]
  ) -> Action {
    var fact = Fact(.authFailure, result, .ssh)
    (fact.reason, fact.details) = (reason, details.isEmpty ? nil : details.joined(separator: ", "))
    var subject = subject
    (subject.method, subject.keyFingerprint) = (method, key.isEmpty ? nil : key)
    return .audit(fact, subject)
  }

  private static func text(_ user: String?, _ method: String) -> String { "\((user ?? "").quoted()) by \(method)" }

  private static func comma(_ verdict: Verdict?) -> String { verdict?.keyDescription.map { ", \($0)" } ?? "" }
}

extension AuthenticationMachine.Ending {
  /// The event that reports it.
  fileprivate enum Report {
    case suspicious(Suspicion)
    case failed(EventResult, LoginFailure)
  }

  fileprivate var report: Report {
    switch self {
    case .tooManyFailures: .failed(.failure, .tooManyFailures)
    case .tooManyOffers: .failed(.failure, .tooManyKeys)
    case .impossibleVerdict: .failed(.error, .impossibleVerdict)
    case .malformed: .suspicious(.malformedRequest)
    case .userChanged: .suspicious(.userChanged)
    case .unknownService: .suspicious(.unknownService)
    case .unexpectedResponse: .suspicious(.unexpectedResponse)
    case .requestTooSoon: .suspicious(.requestBeforeAnswer)
    }
  }

  /// No client that keeps to the protocol does it.
  var isSuspicious: Bool { if case .suspicious = report { true } else { false } }
}

extension Verdict {
  /// True when a line of a file, or a certificate's authority, has something to say of the key.
  fileprivate var isAboutKnownKey: Bool { !place.isEmpty || certificate != nil }

  /// The key, its certificate, and what decided; nil: there is no key.
  fileprivate var keyDescription: String? {
    if fingerprint.isEmpty { return nil }
    let certified = certificate.map { certificate in
      // What an authority writes must not look like the rest of the line.
      ", certificate \(certificate.keyID.quoted()) serial \(certificate.serial), CA \(certificate.authority)"
    }
    return "key \(fingerprint)" + (certified ?? "") + (place.isEmpty ? "" : ", by \(place)")
  }
}
