import AccessControl
import Audit
import Authentication
import Configuration
import Credentials
import IPC
import System
import Wire

/// Answers the supervisor's requests. It keeps no state from one request to the next.
struct Authority {
  let hostKeys: HostKeyRing
  private let directory: UserDirectory
  private let keys: PublicKeyProvider
  private let passwords: PasswordProvider
  private let codes: CodeVerifier

  /// - Parameter singleUser: see ``AuthorityStart/singleUser``.
  /// - Throws: `CredentialError` if a hash or secret in the configuration is invalid, or randomness is not available.
  init(
    settings: Settings, hostKeys: [HostKey], singleUser: UInt32?, accounts: any AccountSource
  ) throws(CredentialError) {
    self.hostKeys = HostKeyRing(hostKeys, algorithms: settings.server.hostKeyAlgorithms)
    directory = UserDirectory(settings: settings, singleUser: singleUser, accounts: accounts)
    keys = PublicKeyProvider(settings: settings)
    passwords = try PasswordProvider(users: settings.auth.users)
    codes = try CodeVerifier(users: settings.auth.users)
  }

  /// Answers one request.
  ///
  /// - Parameter files: the descriptors that arrived with the message.
  /// - Throws: `ServiceError.message` if the message does not parse.
  func reply(to message: [UInt8], files: [Descriptor]) throws(ServiceError) -> AuthorityToSupervisor {
    let question: SupervisorToAuthority
    do throws(WireError) {
      question = try SupervisorToAuthority(wireBytes: message[...])
    } catch { throw .message("the supervisor's question cannot be read (\(error))") }
    switch question {
    case .sign(let hostKey, let algorithm, let hash):
      return .signed(hostKeys.sign(hash, with: hostKey, algorithm: algorithm))
    case .proveHostKeys(let sessionID, let algorithm, let keys):
      return .proved(hostKeys.prove(keys, sessionID: sessionID, keyExchangeAlgorithm: algorithm))
    case .account(let user, let address):
      return .account(directory.lookUp(user, from: IPAddress(address) ?? .unspecified))
    case .publicKey(let question):
      return .verdict(keys.verify(question, FetchedKeyFiles(question, content: files.first)))
    case .password(let user, let password):
      return .verdict(passwords.verify(password, of: user))
    case .code(let user, let code):
      return .code(code.lend { codes.verify($0, of: user, at: Clock.secondsSince1970) })
    }
  }
}
