import Audit

/// Searches for the line that accepts a key or certificate: first in key files, then among the CA keys trusted for all
/// users.
///
/// A line that matches the key but refuses it does not end the search; as in sshd, a later line may accept the key.
public struct KeySearch: Sendable {
  /// A key file or principals file.
  public struct File: Sendable {
    /// The path, for messages.
    public let name: String
    /// The content of the file.
    public let content: ArraySlice<UInt8>

    /// A file that has been read.
    public init(name: String, content: ArraySlice<UInt8>) {
      self.name = name
      self.content = content
    }
  }

  /// Maximum number of entries in ``warnings``; further ones are dropped.
  public static let warningLimit = 16

  /// The key or certificate that is searched for.
  public let claim: KeyClaim
  /// Why the key is not accepted: the reason given by the first line that matched it.
  public private(set) var refusal: KeyRefusal
  /// `file:line` of that line, or of the line that accepted the key; empty if no line matched.
  public private(set) var place = ""
  /// Skipped lines that were not understood, each as `file:line: reason`.
  public private(set) var warnings: [String] = []

  /// A search that has not found anything yet.
  public init(_ claim: KeyClaim) {
    self.claim = claim
    refusal =
      switch claim.credential {
      case .key: .noSuchKey
      case .certificate: .untrustedAuthority
      }
  }

  /// Searches `file`, and returns the grant of the first line that accepts the key; nil if none does.
  public mutating func find(in file: File) -> KeyGrant? {
    for entry in AuthorizedKeys(file.content) {
      switch entry {
      case .refused(let reason, let line): warn(file, line, reason)
      case .key(let key, let options, let line):
        let found = "\(file.name):\(line)"
        do throws(KeyRefusal) {
          guard let grant = try claim.evaluate(key, options) else { continue }
          place = found
          return grant
        } catch { refuse(error, found) }
      }
    }
    return nil
  }

  /// The grant of a certificate signed by one of `authorities`, which are trusted for every user; nil if the
  /// certificate is not signed by one of them or is refused.
  ///
  /// - Parameter name: where the CA keys come from, for messages.
  public mutating func find(
    among authorities: [PublicKey], of name: String, principals: PrincipalsRule
  ) -> KeyGrant? {
    guard case .certificate(let certificate) = claim.credential, authorities.contains(certificate.authority) else {
      return nil
    }
    do throws(KeyRefusal) {
      let grant = try claim.evaluate(certificate, principals: finding(of: certificate, principals))
      place = name
      return grant
    } catch {
      refuse(error, name)
      return nil
    }
  }

  /// Which principals are valid for a user.
  public enum PrincipalsRule: Sendable {
    /// The user name.
    case userName
    /// Those in this file. nil: the file could not be read, and no principal is valid.
    case file(File?)
  }

  private mutating func finding(
    of certificate: Certificate, _ rule: PrincipalsRule
  ) -> AuthorizedPrincipals.Outcome? {
    switch rule {
    case .userName: return nil
    case .file(nil): return .notListed
    case .file(let file?):
      return AuthorizedPrincipals.find(certificate.principals, in: file.content) { warn(file, $0, $1) }
    }
  }

  private mutating func refuse(_ refusal: KeyRefusal, _ found: String) {
    guard place.isEmpty else { return }
    self.refusal = refusal
    place = found
  }

  private mutating func warn(_ file: File, _ line: Int, _ reason: String) {
    if warnings.count < Self.warningLimit { warnings.append("\(file.name):\(line): \(reason)") }
  }
}
