import AccessControl
import IPC
import Wire

/// The signatures with host keys for one connection: key exchanges, and proofs of possession of the keys.
///
/// Transports request signatures, and authorities create them. The session identifier (RFC 4253, section 7.2) is the first
/// exchange hash that an authority was asked to sign, regardless of what a transport sends later.
struct HostKeySigning: Sendable {
  typealias Action = ConnectionMachine.Action

  /// The rate of signatures: sufficient for a client that exchanges keys after every megabyte at 10 MB/s.
  static let signatureRate = TokenBucket.Rate(perSecond: 10, burst: 100)
  /// Maximum number of hostkeys-prove-00@openssh.com requests in a connection.
  static let proofLimit = 4

  private enum Signing: Equatable {
    case none
    /// The rate is exceeded: the request waits for the timer.
    case delayed(SupervisorToAuthority)
    case asked
  }

  /// The first exchange hash; nil until an authority is asked to sign it.
  private(set) var sessionID: [UInt8]?
  /// The host key algorithm of the first key exchange.
  private(set) var algorithm = ""
  /// True if an authority has signed the first key exchange.
  private(set) var isSigned = false
  private var signing: Signing = .none
  private var signatures = TokenBucket()
  private var proofs = 0
  private var isProving = false

  /// Handles a request of the transport to sign a key exchange.
  ///
  /// - Parameter isFirst: true in the first key exchange, which has one signature.
  /// - Throws: `ProtocolViolation` for a request that our transport would never send.
  mutating func sign(
    hostKey: [UInt8], algorithm: String, hash: [UInt8], isFirst: Bool, _ context: ConnectionMachine.Context,
    at now: Int64
  ) throws(ProtocolViolation) -> [Action] {
    guard signing == .none else { throw ProtocolViolation("asked for a signature before the answer to the last") }
    guard !isFirst || sessionID == nil else { throw ProtocolViolation("asked for a second signature") }
    guard context.hostKeys.contains(hostKey) else {
      throw ProtocolViolation("asked for a signature with a foreign key")
    }
    guard context.settings.server.hostKeyAlgorithms.contains(algorithm) else {
      throw ProtocolViolation("asked for a signature with an algorithm that is not configured")
    }
    guard [32, 48, 64].contains(hash.count) else { throw ProtocolViolation("asked to sign \(hash.count) bytes") }
    if sessionID == nil { (sessionID, self.algorithm) = (hash, algorithm) }
    return ask(.sign(hostKey: hostKey, algorithm: algorithm, hash: hash), at: now)
  }

  /// Handles the expiry of the timer of a delayed signature.
  mutating func delayExpired(at now: Int64) -> [Action] {
    guard case .delayed(let question) = signing else { return [] }
    return ask(question, at: now)
  }

  private mutating func ask(_ question: SupervisorToAuthority, at now: Int64) -> [Action] {
    let delay = signatures.take(Self.signatureRate, at: now)
    signing = delay == 0 ? .asked : .delayed(question)
    return [delay == 0 ? .ask(question) : .setTimer(.signature, milliseconds: delay)]
  }

  /// Handles the reply of an authority; nil: it did not sign.
  mutating func signed(_ signature: [UInt8]?) -> [Action] {
    guard signing == .asked else { return [] }
    signing = .none
    if signature != nil { isSigned = true }
    return (signature == nil ? [.log(.error, "no authority signed the key exchange")] : [])
      + [.send(.signature(signature))]
  }

  /// Handles a client's request, after the login, for proofs that the server has the private keys:
  /// hostkeys-prove-00@openssh.com.
  ///
  /// - Parameter payload: the public keys, each as an SSH string.
  /// - Throws: `ProtocolViolation` when the transport sends too many requests, or one while another is pending.
  mutating func prove(_ payload: [UInt8], of hostKeys: [[UInt8]]) throws(ProtocolViolation) -> [Action] {
    guard !isProving else { throw ProtocolViolation("asked for host key proofs before the answer to the last") }
    guard proofs < Self.proofLimit else { throw ProtocolViolation("asked for too many host key proofs") }
    proofs += 1
    guard let sessionID else { return [.send(.hostKeyProofs(nil))] }
    var keys: [[UInt8]] = []
    var reader = WireReader(payload)
    do throws(WireError) {
      while !reader.isAtEnd { keys.append(Array(try reader.string(limit: 8192))) }
    } catch {
      return [.log(.info, "host key proofs refused: malformed request"), .send(.hostKeyProofs(nil))]
    }
    guard !keys.isEmpty, keys.allSatisfy(hostKeys.contains), keys.count <= hostKeys.count else {
      return [.log(.info, "host key proofs refused: not our keys"), .send(.hostKeyProofs(nil))]
    }
    isProving = true
    return [.ask(.proveHostKeys(sessionID: sessionID, keyExchangeAlgorithm: algorithm, keys: keys))]
  }

  /// Handles the reply of an authority; nil: it did not sign.
  mutating func proved(_ proofs: [UInt8]?) -> [Action] {
    guard isProving else { return [] }
    isProving = false
    return [.send(.hostKeyProofs(proofs))]
  }
}
