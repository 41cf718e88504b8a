import AccessControl
import Audit
import Model
import Wire

/// The critical options and extensions of a certificate. OpenSSH's PROTOCOL.certkeys
///
/// A certificate permits only what it names. As the format requires, an unknown critical option invalidates the
/// certificate and an unknown extension is ignored.
public struct CertificateOptions: Equatable, Sendable {
  /// What the `permit-…` extensions and `force-command` permit.
  public private(set) var permissions = KeyPermissions.restricted
  /// Source addresses from `source-address`; nil: any address.
  public private(set) var sources: [AddressRange]?
  /// False if `no-touch-required` is present.
  public private(set) var requiresTouch = true
  /// True if `verify-required` is present.
  public private(set) var requiresVerification = false

  /// Reads the options of `certificate`.
  ///
  /// - Throws: `KeyRefusal.unknownCriticalOption` for a critical option that we don't know;
  ///   `malformedCertificateOptions` for a known option whose value does not parse, or that is given twice with a
  ///   value.
  public init(_ certificate: Certificate) throws(KeyRefusal) {
    for option in certificate.criticalOptions {
      let isKnown: Bool
      do throws(WireError) { isKnown = try parseCritical(option) } catch { throw .malformedCertificateOptions }
      guard isKnown else { throw .unknownCriticalOption }
    }
    for option in certificate.extensions {
      guard parseExtension(option) else { throw .malformedCertificateOptions }
    }
  }

  /// True if the certificate may be used from `address`. nil: an unknown address, which matches no `source-address`.
  public func allows(_ address: IPAddress?) -> Bool {
    guard let sources else { return true }
    return address.map { address in sources.contains { $0.contains(address) } } ?? false
  }

  /// Applies a critical option; false if it is unknown.
  private mutating func parseCritical(_ option: Certificate.Option) throws(WireError) -> Bool {
    switch String(decoding: option.name, as: UTF8.self) {
    case "force-command":
      let command = try text(of: option)
      guard permissions.forcedCommand == nil, !command.contains(0) else { throw .malformed }
      permissions.forcedCommand = command
      // ssh-keygen adds permit-port-forwarding to every certificate, unless told otherwise.
      permissions.forwardsBesideCommand = false
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

  /// Applies an extension; false if it is known but its value is not empty.
  private mutating func parseExtension(_ option: Certificate.Option) -> Bool {
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

  /// The option's value, which must be exactly one string.
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
