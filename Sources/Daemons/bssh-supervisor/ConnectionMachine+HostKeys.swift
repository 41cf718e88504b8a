import AccessControl
import IPC
import Wire

// Signatures of host keys, which a transport asks for and authorities make.
extension ConnectionMachine {
  /// What host keys were used for in this connection.
  struct HostKeyUse: Sendable {
    /// Whether the transport waits for a signature.
    enum Signing: Equatable, Sendable {
      case none
      /// Too many lately: asked for when the time has come.
      case delayed(SupervisorToAuthority)
      case asked
    }

    /// The first exchange hash.
    fileprivate(set) var sessionID: [UInt8]?
    /// The host key algorithm of the first key exchange.
    fileprivate(set) var algorithm = ""
    fileprivate(set) var signing: Signing = .none
    /// A signature was given in the first key exchange.
    fileprivate(set) var isSigned = false
    fileprivate var signatures = TokenBucket()
    fileprivate var proofs = 0
    fileprivate var isProving = false
  }

  /// A client that exchanges keys every megabyte is served at 10 MB/s in the long run; an oracle for signatures gets no
  /// more than a client could ask for.
  static let signatureRate = TokenBucket.Rate(perSecond: 10, burst: 100)
  /// hostkeys-prove-00@openssh.com requests in one connection.
  static let proofLimit = 4

  /// The first exchange hash; nil before an authority was asked to sign it.
  var sessionID: [UInt8]? { hostKeyUse.sessionID }

  /// The transport wants a key exchange signed: the first one, or a later one.
  mutating func sign(hostKey: [UInt8], algorithm: String, hash: [UInt8], at now: Int64) -> [Action] {
    guard hostKeyUse.signing == .none else { return violation("asked for a signature before the answer to the last") }
    // Later ones are for key exchanges of the same connection; the first one has its own answer, `negotiated`.
    guard phase != .keyExchange || sessionID == nil else { return violation("asked for a second signature") }
    guard context.hostKeys.contains(hostKey) else { return violation("asked for a signature with a foreign key") }
    guard context.settings.server.hostKeyAlgorithms.contains(algorithm) else {
      return violation("asked for a signature with an algorithm that is not configured")
    }
    guard [32, 48, 64].contains(hash.count) else { return violation("asked to sign \(hash.count) bytes") }
    if sessionID == nil {
      hostKeyUse.sessionID = hash
      hostKeyUse.algorithm = algorithm
    }
    let question = SupervisorToAuthority.sign(hostKey: hostKey, algorithm: algorithm, hash: hash)
    let delay = hostKeyUse.signatures.take(Self.signatureRate, at: now)
    guard delay == 0 else {
      hostKeyUse.signing = .delayed(question)
      return [.setTimer(.signature, milliseconds: delay)]
    }
    hostKeyUse.signing = .asked
    return [.ask(question)]
  }

  /// A signature that was put off is due.
  mutating func signatureTime(at now: Int64) -> [Action] {
    guard case .delayed(let question) = hostKeyUse.signing else { return [] }
    let delay = hostKeyUse.signatures.take(Self.signatureRate, at: now)
    if delay > 0 { return [.setTimer(.signature, milliseconds: delay)] }
    hostKeyUse.signing = .asked
    return [.ask(question)]
  }

  /// What an authority signed; nil: none did.
  mutating func signed(_ signature: [UInt8]?) -> [Action] {
    switch phase {
    case .starting, .closing: return []
    case .keyExchange, .authenticating, .opening, .loggedIn: break
    }
    guard hostKeyUse.signing == .asked else { return [] }
    hostKeyUse.signing = .none
    if signature != nil { hostKeyUse.isSigned = true }
    return (signature == nil ? [.log(.error, "no authority signed the key exchange")] : [])
      + [.tell(.signature(signature))]
  }

  /// The client wants proofs that host keys are ours: hostkeys-prove-00@openssh.com.
  mutating func proveHostKeys(_ payload: [UInt8]) -> [Action] {
    guard phase == .loggedIn else { return violation("asked for host key proofs before the login") }
    guard !hostKeyUse.isProving else { return violation("asked for host key proofs before the answer to the last") }
    guard hostKeyUse.proofs < Self.proofLimit else { return violation("asked for too many host key proofs") }
    hostKeyUse.proofs += 1
    guard let sessionID else { return [.tell(.hostKeyProofs(nil))] }
    var keys: [[UInt8]] = []
    var reader = WireReader(payload)
    do throws(WireError) {
      while !reader.isAtEnd { keys.append(Array(try reader.string(limit: 8192))) }
    } catch {
      return [.log(.info, "host key proofs refused: malformed request"), .tell(.hostKeyProofs(nil))]
    }
    guard !keys.isEmpty, keys.allSatisfy(context.hostKeys.contains), keys.count <= context.hostKeys.count else {
      return [.log(.info, "host key proofs refused: not our keys"), .tell(.hostKeyProofs(nil))]
    }
    hostKeyUse.isProving = true
    return [
      .ask(.proveHostKeys(sessionID: sessionID, keyExchangeAlgorithm: hostKeyUse.algorithm, keys: keys))
    ]
  }

  /// The answer to those; nil: there is none.
  mutating func proved(_ payload: [UInt8]?) -> [Action] {
    switch phase {
    case .starting, .keyExchange, .authenticating, .opening, .closing: return []
    case .loggedIn: break
    }
    guard hostKeyUse.isProving else { return [] }
    hostKeyUse.isProving = false
    return [.tell(.hostKeyProofs(payload))]
  }
}
