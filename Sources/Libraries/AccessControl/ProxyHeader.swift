/// The header that a load balancer sends before a forwarded connection: the PROXY protocol, versions 1 and 2.
public enum ProxyHeader: Equatable, Sendable {
  /// One end of the connection that the load balancer accepted.
  public struct Endpoint: Equatable, Sendable {
    /// The IP address.
    public var address: IPAddress
    /// The TCP port.
    public var port: UInt16

    public init(address: IPAddress, port: UInt16) {
      self.address = address
      self.port = port
    }
  }

  /// The client's endpoint, and the one that it connected to.
  case forwarded(client: Endpoint, server: Endpoint)
  /// The load balancer does not forward a client: it checks our health (`LOCAL`), or does not know the client
  /// (`UNKNOWN`, `UNSPEC`, Unix sockets). The connection is its own.
  case own
}

/// Why bytes are not an acceptable PROXY header.
public enum ProxyHeaderError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes do not begin with a signature of the protocol.
  case notAHeader
  /// The signature is right, but what follows is malformed.
  case malformed
  /// The header is for a protocol that is not a byte stream.
  case notAStream
  /// The header exceeds the limit of its version.
  case tooLong

  public var description: String {
    switch self {
    case .notAHeader: "no PROXY header"
    case .malformed: "a malformed PROXY header"
    case .notAStream: "a PROXY header for a protocol other than TCP"
    case .tooLong: "a PROXY header that is too long"
    }
  }
}

/// Incremental parser for a PROXY header. It never consumes bytes after the header.
///
/// Violations of the specification are refused as early as possible.
public struct ProxyHeaderParser: Sendable {
  /// Maximum length of a version 1 header in bytes, including CRLF.
  public static let textLimit = 107
  /// Maximum length of a version 2 header in bytes: the size that the specification promises to arrive in one segment.
  public static let binaryLimit = 536

  /// The signature of version 2: 12 bytes.
  private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
  private static let word = Array("PROXY ".utf8)

  private var bytes: [UInt8] = []

  public init() {}

  /// True if no bytes have been consumed.
  public var isEmpty: Bool { bytes.isEmpty }

  /// How many more bytes a header could have.
  public var room: Int { Self.binaryLimit - bytes.count }

  /// Consumes bytes at the front of `input` until the header is complete. `header` is nil while it is not.
  ///
  /// - Returns: the number of bytes consumed, which is all of them unless the header is complete, and the header.
  /// - Throws: `ProxyHeaderError`; the connection must then be closed.
  public mutating func parse(
    _ input: some Sequence<UInt8>
  ) throws(ProxyHeaderError) -> (count: Int, header: ProxyHeader?) {
    var count = 0
    for byte in input {
      bytes.append(byte)
      count += 1
      if let header = try check(byte) { return (count, header) }
    }
    return (count, nil)
  }

  /// Returns the header if `byte`, the last one consumed, completes it.
  private func check(_ byte: UInt8) throws(ProxyHeaderError) -> ProxyHeader? {
    if bytes[0] == Self.word[0] { return try checkText(byte) }
    let count = bytes.count
    guard count > Self.signature.count || byte == Self.signature[count - 1] else { throw .notAHeader }
    guard count >= 16 else { return nil }
    let length = 16 + (Int(bytes[14]) << 8 | Int(bytes[15]))
    guard length <= Self.binaryLimit else { throw .tooLong }
    return count == length ? try ProxyHeader(binary: bytes) : nil
  }

  private func checkText(_ byte: UInt8) throws(ProxyHeaderError) -> ProxyHeader? {
    let count = bytes.count
    guard count > Self.word.count || byte == Self.word[count - 1] else { throw .notAHeader }
    let isEnding = count > Self.word.count && bytes[count - 2] == UInt8(ascii: "\r")
    if byte == UInt8(ascii: "\n") {
      guard isEnding else { throw .malformed }
      return try ProxyHeader(text: bytes[Self.word.count..<count - 2])
    }
    guard !isEnding else { throw .malformed }
    guard count < Self.textLimit else { throw .tooLong }
    return nil
  }
}

extension ProxyHeader {
  /// Parses what follows `PROXY ` in version 1, without CRLF.
  fileprivate init(text: ArraySlice<UInt8>) throws(ProxyHeaderError) {
    let words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    // The rest of the line must be ignored.
    if words[0].elementsEqual("UNKNOWN".utf8) {
      self = .own
      return
    }
    let isIPv4 = words[0].elementsEqual("TCP4".utf8)
    guard isIPv4 || words[0].elementsEqual("TCP6".utf8) else { throw .malformed }
    guard words.count == 5, let client = Self.address(words[1], isIPv4: isIPv4),
      let server = Self.address(words[2], isIPv4: isIPv4), let clientPort = Self.port(words[3]),
      let serverPort = Self.port(words[4])
    else { throw .malformed }
    self = .forwarded(
      client: Endpoint(address: client, port: clientPort), server: Endpoint(address: server, port: serverPort))
  }

  /// An address in the notation of the stated family; an IPv4-mapped address is then IPv4.
  private static func address(_ text: ArraySlice<UInt8>, isIPv4: Bool) -> IPAddress? {
    guard text.contains(UInt8(ascii: ":")) != isIPv4 else { return nil }
    return IPAddress(String(decoding: text, as: UTF8.self))
  }

  private static func port(_ text: ArraySlice<UInt8>) -> UInt16? {
    guard (1...5).contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) }),
      text.first != UInt8(ascii: "0") || text.count == 1
    else { return nil }
    return UInt16(String(decoding: text, as: UTF8.self))
  }

  /// Parses a complete version 2 header: signature, version and command, family and protocol, length, addresses, and
  /// extensions, which are ignored.
  fileprivate init(binary bytes: [UInt8]) throws(ProxyHeaderError) {
    let (version, command) = (bytes[12] >> 4, bytes[12] & 0xf)
    guard version == 2, command <= 1 else { throw .malformed }
    if command == 0 {
      // LOCAL: family and addresses must be ignored.
      self = .own
      return
    }
    let (family, transport) = (bytes[13] >> 4, bytes[13] & 0xf)
    guard family <= 3, transport <= 2 else { throw .malformed }
    guard transport != 2 else { throw .notAStream }
    // Unspecified, or a Unix socket.
    guard family == 1 || family == 2, transport == 1 else {
      self = .own
      return
    }
    let size = family == 1 ? 4 : 16
    let ports = 16 + 2 * size
    guard bytes.count >= ports + 4, let client = IPAddress(bytes: bytes[16..<16 + size]),
      let server = IPAddress(bytes: bytes[16 + size..<ports])
    else { throw .malformed }
    self = .forwarded(
      client: Endpoint(address: client, port: UInt16(bytes[ports]) << 8 | UInt16(bytes[ports + 1])),
      server: Endpoint(address: server, port: UInt16(bytes[ports + 2]) << 8 | UInt16(bytes[ports + 3])))
  }
}
