import Audit

/// Looks for the line that lets a key or certificate in: files of keys first, then the authorities for every user.
///
/// A line about the key that refuses does not end the search, as with sshd: a later one may let it in.
public struct KeySearch: Sendable {
  /// A file whose lines are looked through.
  public struct File: Sendable {
    /// For people: its path.
    public let name: String
    public let content: ArraySlice<UInt8>

    public init(name: String, content: ArraySlice<UInt8>) {
      self.name = name
      self.content = content
    }
  }

  /// Lines that are told; more are not.
  public static let warningLimit = 16

  public let claim: KeyClaim
  /// Why nothing lets the key in: what the first line about it said.
  public private(set) var refusal: KeyRefusal
  /// `file:line` of that line, or of the one that lets it in; empty: there is none.
  public private(set) var place = ""
  /// Lines that were passed because they are not understood, each with its place.
  public private(set) var warnings: [String] = []

  public init(_ claim: KeyClaim) {
    self.claim = claim
    refusal =
      switch claim.credential {
      case .key: .noSuchKey
      case .certificate: .untrustedAuthority
      }
  }

  /// What the first line of a file of keys gives that lets the key in.
  public mutating func find(in file: File) -> KeyGrant? {
    for entry in AuthorizedKeys(file.content) {
      switch entry {
      case .refused(let reason, let line): warn(file, line, reason)
      case .key(let key, let options, let line):
        let found = "\(file.name):\(line)"
        do throws(KeyRefusal) {
          guard let grant = try claim.judge(key, options) else { continue }
          place = found
          return grant
        } catch { refuse(error, found) }
      }
    }
    return nil
  }

  /// What a certificate gives that one of `authorities` signed, which are trusted for every user.
  ///
  /// `name`: for people, where the authorities come from.
  public mutating func find(
    among authorities: [PublicKey], of name: String, principals: PrincipalsRule
  ) -> KeyGrant? {
    guard case .certificate(let certificate) = claim.credential, authorities.contains(certificate.authority) else {
      return nil
    }
    do throws(KeyRefusal) {
      let grant = try claim.judge(certificate, principals: finding(of: certificate, principals))
      place = name
      return grant
    } catch {
      refuse(error, name)
      return nil
    }
  }

  /// Where the names stand that a certificate may have for a user.
  public enum PrincipalsRule: Sendable {
    /// The user's name is the one.
    case userName
    /// In this file; nil: it could not be read, so there are none.
    case file(File?)
  }

  private mutating func finding(
    of certificate: Certificate, _ rule: PrincipalsRule
  ) -> AuthorizedPrincipals.Finding? {
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
