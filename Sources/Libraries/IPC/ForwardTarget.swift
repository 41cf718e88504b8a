import Wire

/// The target of a forwarded connection. The bytes are the client's, unchecked.
public enum ForwardTarget: WireMessage, Equatable {
  /// Limit of a host or path, in bytes. No name, address or path of a socket is as long.
  public static let sizeLimit = 1024

  /// `direct-tcpip`: a name or address, and a port. RFC 4254, section 7.2
  case tcp(host: [UInt8], port: UInt32)
  /// `direct-streamlocal@openssh.com`: the path of a Unix socket. OpenSSH's PROTOCOL, section 2.4
  case socket(path: [UInt8])

  public static let blanks: [Self] = [.tcp(host: [], port: 0), .socket(path: [])]

  public var wireKind: Int {
    switch self {
    case .tcp: 1
    case .socket: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .tcp(let host, let port):
      self = try .tcp(host: coder.bytes(host, max: Self.sizeLimit), port: coder.number(port))
    case .socket(let path): self = try .socket(path: coder.bytes(path, max: Self.sizeLimit))
    }
  }
}
