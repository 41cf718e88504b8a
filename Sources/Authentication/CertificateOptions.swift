import AccessControl
import Audit
import IPC
import Wire

/// What a certificate allows and asks for: its critical options and extensions. OpenSSH's PROTOCOL.certkeys
///
/// It allows nothing that it does not name. An unknown critical option refuses the certificate, an unknown extension is
/// ignored, as the format wants it.
public struct CertificateOptions: Equatable, Sendable {
  public private(set) var permissions = KeyPermissions.restricted
  /// `source-address`; nil: from everywhere.
  public private(set) var sources: [AddressRange]?
  /// False with `no-touch-required`.
  public private(set) var requiresTouch = true
  /// True with `verify-required`.
  public private(set) var requiresVerification = false

  public init(_ certificate: Certificate) throws(KeyRefusal) {
    for option in certificate.criticalOptions {
      let isKnown: Bool
      do throws(WireError) { isKnown = try takeCritical(option) } catch { throw .malformedCertificateOptions }
      guard isKnown else { throw .unknownCriticalOption }
    }
    for option in certificate.extensions {
      guard takeExtension(option) else { throw .malformedCertificateOptions }
    }
  }

  /// True when a login may come from `address`; nil: an address that is not known.
  public func allows(_ address: IPAddress?) -> Bool {
    guard let sources else { return true }
    return address.map { address in sources.contains { $0.contains(address) } } ?? false
  }

  /// False for an option that is not known.
  private mutating func takeCritical(_ option: Certificate.Option) throws(WireError) -> Bool {
    switch String(decoding: option.name, as: UTF8.self) {
    case "force-command":
      let command = try text(of: option)
      guard permissions.forcedCommand == nil, !command.contains(0) else { throw .malformed }
      permissions.forcedCommand = command
    case "source-address":
      guard sources == nil else { throw .malformed }
      sources = try ranges(try text(of: option))
    case "verify-required":
      guard option.data.isEmpty else { throw .trailingBytes }
      requiresVerification = true
    default: return false
    }
    return true
  }

  /// False for one that is known and not empty.
  private mutating func takeExtension(_ option: Certificate.Option) -> Bool {
    switch String(decoding: option.name, as: UTF8.self) {
    case "permit-pty": permissions.terminal = true
    case "permit-agent-forwarding": permissions.agentForwarding = true
    case "permit-port-forwarding": permissions.portForwarding = true
    case "permit-X11-forwarding": permissions.x11Forwarding = true
    case "permit-user-rc": permissions.userRC = true
    case "no-touch-required": requiresTouch = false
    default: return true
    }
    return option.data.isEmpty
  }

  /// The one string that is the value of an option.
  private func text(of option: Certificate.Option) throws(WireError) -> [UInt8] {
    var reader = WireReader(option.data)
    let text = Array(try reader.string(limit: KeyPermissions.commandLimit))
    try reader.end()
    return text
  }

  private func ranges(_ text: [UInt8]) throws(WireError) -> [AddressRange] {
    var ranges: [AddressRange] = []
    for part in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      guard let range = try? AddressRange(String(decoding: part, as: UTF8.self)) else { throw .malformed }
      ranges.append(range)
    }
    return ranges
  }
}
