import AccessControl
import Authentication
import IPC
import System

/// What an explanation has to ask others: the same parts of the daemon that a login comes to.
protocol LoginFacts {
  /// The bans of `security.ban_state_file`, as the daemon last wrote them.
  func bans(in path: String) -> BanFile.Content
  /// Who a user is, who comes from this address.
  func account(_ user: String, from address: IPAddress) throws(FactError) -> AccountAnswer
  /// What shadow(5) has about an account; nil: it could not be read, and nobody gets in.
  func status(of account: String) throws(FactError) -> AccountStatus?
  /// The files of keys and principals, read as this account.
  func files(of account: Account, _ paths: [String]) throws(FactError) -> FoundFiles
  /// Why the root of a login's files is not entered, nil: it is; and the directories above it that others than root can
  /// change.
  func root(_ path: String) -> (problem: String?, exposed: [String])
  /// What is said of a key.
  func verdict(on question: KeyQuestion, _ files: FoundFiles) throws(FactError) -> Verdict
}

/// Files that were looked up.
struct FoundFiles {
  var files: [KeyFile] = []
  /// Their contents, one after the other; nil: none was looked for.
  var memory: Descriptor?
}

/// A part of the daemon does not answer.
struct FactError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
