import AccessControl
import Authentication
import IPC
import Model
import System

/// What an explanation must ask other processes: the parts of the daemon that a login involves.
///
/// Each function throws ``BackendError`` if the process does not reply.
protocol LoginBackends {
  /// The bans of `security.ban_state_file`, as the daemon last wrote them.
  func bans(in path: String) -> BanFile.Content
  /// The account of a user who connects from this address.
  func account(_ user: String, from address: IPAddress) throws(BackendError) -> AccountReply
  /// What shadow(5) has about an account; nil: it could not be read, and nobody is accepted.
  func status(of account: String) throws(BackendError) -> AccountStatus?
  /// The files of keys and principals, read as this account.
  func files(of account: Account, _ paths: [String]) throws(BackendError) -> FoundFiles
  /// Why the root for file transfer cannot be entered, nil: it can; and the directories above it that others than root
  /// can change.
  func root(_ path: String) -> (problem: String?, exposed: [String])
  /// The authority's verdict on a key.
  func verdict(on question: KeyVerificationRequest, _ files: FoundFiles) throws(BackendError) -> Verdict
}

/// The files that were read.
struct FoundFiles {
  var files: [KeyFile] = []
  /// Their contents, one after the other; nil: none was requested.
  var memory: Descriptor?
}

/// A part of the daemon does not reply.
struct BackendError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
