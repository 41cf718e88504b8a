import Audit
import Authentication
import IPC
import Model
import System

/// The events about the login of a connection: each attempt once, the login, and the subject of the connection.
struct LoginReport: Sendable {
  typealias Action = ConnectionMachine.Action

  /// The client and the user, as far as known.
  private(set) var subject = Subject()
  private var attempts = AuthAttemptLog()
  /// Descriptions of the accepted keys.
  private var provenKeys: [String] = []

  init(_ client: SocketAddress) { (subject.clientAddress, subject.clientPort) = (client.address, client.port) }

  /// Adds the first key exchange and the client's identification to the subject. RFC 4253, section 4.2
  mutating func negotiated(_ negotiated: Negotiated) {
    subject.clientVersion = "SSH-2.0-\(negotiated.client)"
    subject.keyExchange = negotiated.keyExchange
  }

  /// Handles a request. Its user name becomes that of the subject if it is the first one.
  mutating func begin(_ method: String, _ user: String?, isQuestion: Bool) {
    subject.user = subject.user ?? user
    attempts.begin(method, isQuestion: isQuestion)
  }

  /// Handles that a queried key would be accepted.
  mutating func offerAccepted(_ user: String?, by method: String, _ verdict: Verdict?) -> Action {
    attempts.questionAnswered(Reason(LoginFailure.notSigned), key: verdict?.fingerprint ?? "")
    return .log(.debug, "asked \(Self.text(user, method)): would do\(Self.comma(verdict))")
  }

  /// Handles partial success: a step is completed, and one of `next` must follow.
  mutating func partlyAccepted(
    _ user: String?, by method: String, _ verdict: Verdict?, next: [AuthenticationMachine.Step]
  ) -> Action {
    attempts.proved()
    let steps = next.map(\.rawValue).joined(separator: " or ")
    return .log(.info, "partly accepted \(Self.text(user, method))\(Self.comma(verdict)): needs \(steps) as well")
  }

  /// Handles an accepted key.
  mutating func proved(_ verdict: Verdict?) { if let key = verdict?.keyDescription { provenKeys.append(key) } }

  /// Handles a refused request.
  mutating func refused(
    _ refusal: AuthenticationMachine.Refusal, _ user: String?, by method: String, _ credential: Credential?,
    _ account: AccountReply?, _ verdict: Verdict?
  ) -> Action {
    let nobody = refusal == .noneMethod ? account?.refusal.map { Reason($0) } : nil
    let reason = refusal == .credentials ? Self.reason(verdict, account) : nobody ?? Reason(refusal)
    // A query for the methods, or about a key, is not an attempt. But if the key is known and may not be used, the client
    // does not sign with it, so the query is the attempt.
    let isQuestion = refusal == .noneMethod || (credential?.isOffer == true && verdict?.isAboutKnownKey != true)
    guard isQuestion else {
      let result: EventResult = refusal != .credentials ? .denied : verdict == nil ? .error : .failure
      return failed(method, result, reason, verdict)
    }
    attempts.questionAnswered(reason, key: verdict?.fingerprint ?? "")
    return .log(.debug, "refused \(Self.text(user, method)): \(reason?.code ?? "")\(Self.comma(verdict))")
  }

  /// Handles a refused request that ends the connection; `text` is the message to the client.
  mutating func disconnected(
    _ ending: AuthenticationMachine.Ending, _ counted: AuthenticationMachine.Refusal?, _ text: String,
    by method: String, _ account: AccountReply?, _ verdict: Verdict?
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

  /// Handles the granted login; `key` is the fingerprint of the first key.
  mutating func granted(_ steps: [AuthenticationMachine.Step], key: String?) {
    subject.method = steps.map(\.rawValue).joined(separator: ",")
    subject.keyFingerprint = key
  }

  /// Reports that the session has started.
  mutating func sessionOpened(_ id: EventID, _ account: Account) -> [Action] {
    attempts.reported()
    subject.sessionID = id
    var success = AuditRecord(.authSuccess, .success, .ssh)
    success.details = provenKeys.isEmpty ? nil : provenKeys.joined(separator: ", ")
    var start = AuditRecord(.sessionStart, .success, .ssh)
    start.details = "as uid \(account.uid), gid \(account.gid)"
    return [.audit(success, subject), .audit(start, subject)]
  }

  /// Reports that the session could not start.
  mutating func sessionNotOpened(_ reason: LoginFailure, _ result: EventResult, _ details: String) -> Action {
    attempts.reported()
    let (method, key) = (subject.method ?? "", subject.keyFingerprint ?? "")
    return failure(method, result, Reason(reason), key: key, [details])
  }

  /// Reports the attempt that no event has reported, at the end of a connection without a login.
  ///
  /// - Parameter proven: the completed steps.
  func ended(proven: [AuthenticationMachine.Step]) -> [Action] {
    guard let (attempt, details) = attempts.unreported(proven: proven.map(\.rawValue)) else { return [] }
    let keys = attempt.reason == Reason(LoginFailure.incomplete) ? provenKeys : []
    return [failure(attempt.method, .failure, attempt.reason, key: attempt.key, [details].compactMap(\.self) + keys)]
  }

  /// Why credentials were refused. If the user does not exist, that is the reason.
  private static func reason(_ verdict: Verdict?, _ account: AccountReply?) -> Reason? {
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
    var record = AuditRecord(.authFailure, result, .ssh)
    (record.reason, record.details) = (reason, details.isEmpty ? nil : details.joined(separator: ", "))
    var subject = subject
    (subject.method, subject.keyFingerprint) = (method, key.isEmpty ? nil : key)
    return .audit(record, subject)
  }

  private static func text(_ user: String?, _ method: String) -> String { "\((user ?? "").quoted()) by \(method)" }

  private static func comma(_ verdict: Verdict?) -> String { verdict?.keyDescription.map { ", \($0)" } ?? "" }
}

extension AuthenticationMachine.Ending {
  /// The type of the event.
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

  /// True if the client violated the protocol.
  var isSuspicious: Bool { if case .suspicious = report { true } else { false } }
}

extension Verdict {
  /// True if the key is in a file, or is a certificate that a CA has signed.
  fileprivate var isAboutKnownKey: Bool { !place.isEmpty || certificate != nil }

  /// The key, its certificate and the deciding line; nil: there is no key.
  fileprivate var keyDescription: String? {
    if fingerprint.isEmpty { return nil }
    let certified = certificate.map { certificate in
      // Quoted, because an authority must not be able to imitate the rest of the line.
      ", certificate \(certificate.keyID.quoted()) serial \(certificate.serial), CA \(certificate.authority)"
    }
    return "key \(fingerprint)" + (certified ?? "") + (place.isEmpty ? "" : ", by \(place)")
  }
}
