/// What a load balancer says of a connection before it hands it on: the PROXY protocol, versions 1 and 2.
public enum ProxyHeader: Equatable, Sendable {
  /// One end of the connection that the load balancer has taken.
  public struct Endpoint: Equatable, Sendable {
    public var address: IPAddress
    public var port: UInt16

    public init(address: IPAddress, port: UInt16) {
      self.address = address
      self.port = port
    }
  }

  /// Where the client is, and what it connected to.
  case forwarded(client: Endpoint, server: Endpoint)
  /// The load balancer speaks for itself, as to see whether we are there (`LOCAL`), or cannot say who the client is
  /// (`UNKNOWN`, `UNSPEC`, a Unix socket): the connection is the load balancer's own.
  case own
}

/// Why bytes are no PROXY header that can be believed.
public enum ProxyHeaderError: Error, Equatable, Sendable, CustomStringConvertible {
  /// They begin otherwise than any header.
  case notAHeader
  /// It says that it is one, and is malformed.
  case malformed
  /// Of a protocol that is no byte stream.
  case notAStream
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

/// Reads a PROXY header as its bytes come, one by one if need be, and takes no byte behind it.
///
/// Strict: what the protocol's specification calls wrong is refused as soon as it can be known.
public struct ProxyHeaderParser: Sendable {
  /// Bytes of the longest line of version 1, with its end.
  public static let textLimit = 107
  /// Bytes of the longest header of version 2: what every sender may count on that it arrives in one piece.
  public static let binaryLimit = 536

  /// The twelve bytes that version 2 begins with.
  private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
  private static let word = Array("PROXY ".utf8)

  private var bytes: [UInt8] = []

  public init() {}

  /// True when nothing has come yet.
  public var isEmpty: Bool { bytes.isEmpty }

  /// Bytes that may still belong to the header.
  public var room: Int { Self.binaryLimit - bytes.count }

  /// Takes the bytes that belong to the header from the front of `input`; no header: more are needed.
  ///
  /// - Returns: how many were taken, which is all of them unless the header is complete.
  public mutating func take(
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

  /// The header, when `byte`, the last one, completes it.
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
  /// What stands between `PROXY ` and the line's end.
  fileprivate init(text: ArraySlice<UInt8>) throws(ProxyHeaderError) {
    let words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    // What follows is to be ignored.
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

  /// An address in the form of its family; what is IPv4-mapped is IPv4 all the same.
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

  /// All of version 2: the signature, version and command, family and protocol, the length of the rest, and the rest,
  /// which begins with the addresses and may end with anything.
  fileprivate init(binary bytes: [UInt8]) throws(ProxyHeaderError) {
    let (version, command) = (bytes[12] >> 4, bytes[12] & 0xf)
    guard version == 2, command <= 1 else { throw .malformed }
    if command == 0 {
      // LOCAL: family and addresses are to be ignored.
      self = .own
      return
    }
    let (family, transport) = (bytes[13] >> 4, bytes[13] & 0xf)
    guard family <= 3, transport <= 2 else { throw .malformed }
    guard transport != 2 else { throw .notAStream }
    // Unspecified, or of a Unix socket.
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
