/// Protocols of file transfer that are refused since an account's shell is nologin(8) or false(1).
public struct ClosedProtocols: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// SFTP.
  public static let sftp = ClosedProtocols(rawValue: 1)
  /// SCP.
  public static let scp = ClosedProtocols(rawValue: 2)
}
