import Wire

/// Why a client's authentication message does not parse.
public enum UserauthError: Error, Equatable, Sendable {
  /// A field does not parse, is too long, or bytes follow the last field.
  case message(WireError)
  /// The user name is empty or contains a control character.
  case userName
  /// A name (RFC 4250, section 4.6.1) is not printable US-ASCII.
  case name
}

/// A parsed USERAUTH_REQUEST. RFC 4252, section 5
///
/// Every field is bounded, and nothing may follow the last one. The key and signature stay opaque here; ``PublicKey``
/// and ``SignatureBlob`` parse them.
public struct UserauthRequest: Equatable, Sendable {
  /// The authentication method and its fields.
  public enum MethodFields: Equatable, Sendable {
    /// `none`: asks for the list of methods. RFC 4252, section 5.2
    case none
    /// `publickey`. RFC 4252, section 7
    case publicKey(PublicKeyRequest)
    /// `password`. RFC 4252, section 8
    case password(SecretBytes)
    /// `password` with a request to change it, which is not supported.
    case passwordChange
    /// `keyboard-interactive`. RFC 4256
    case keyboardInteractive
    /// An unknown method, by its name; its fields are not read.
    case other(String)
  }

  /// 1…256 bytes of UTF-8 without control characters. Compare with ``hasSameBytes(as:)``.
  public let user: String
  /// The service to start after authentication: 1…64 bytes of printable US-ASCII.
  public let service: String
  /// The authentication method and its fields.
  public let method: MethodFields

  /// Maximum length of a user name in bytes.
  public static let userLimit = 256
  /// Maximum length of a password in bytes.
  public static let passwordLimit = 4096

  /// Parses the payload of a USERAUTH_REQUEST after its message number.
  ///
  /// - Throws: `UserauthError`: `userName` for an invalid user name, `name` for an invalid service or method name,
  ///   `message` for every other fault.
  public init(payload: ArraySlice<UInt8>) throws(UserauthError) {
    var reader = WireReader(payload)
    do throws(WireError) {
      user = try reader.text(limit: Self.userLimit)
    } catch { throw .message(error) }
    guard Self.isUserName(user) else { throw .userName }
    service = try reader.name()
    let name = try reader.name()
    do throws(WireError) {
      switch name {
      case "none": method = .none
      case "publickey": method = .publicKey(try PublicKeyRequest(from: &reader))
      case "password":
        let change = try reader.boolean()
        let password = try reader.secret(limit: Self.passwordLimit)
        if change { _ = try reader.string(limit: Self.passwordLimit) }
        method = change ? .passwordChange : .password(password)
      case "keyboard-interactive":
        _ = try reader.string(limit: 256)
        _ = try reader.string(limit: 1024)
        method = .keyboardInteractive
      default:
        method = .other(name)
        return
      }
      try reader.end()
    } catch { throw .message(error) }
  }

  /// The data that the signature of a `publickey` request covers; nil for other methods. RFC 4252, section 7
  ///
  /// Built from the parsed fields and our own session identifier, so that a client cannot sign one request and send
  /// another.
  public func signedData(sessionID: [UInt8]) -> [UInt8]? {
    guard case .publicKey(let request) = method else { return nil }
    var writer = WireWriter(capacity: 256 + request.key.count)
    writer.string(sessionID)
    writer.byte(50)
    writer.text(user)
    writer.text(service)
    writer.text("publickey")
    writer.boolean(true)
    writer.text(request.algorithm)
    writer.string(request.key)
    return writer.bytes
  }

  /// True for 1…256 bytes without control characters (C0, DEL, C1).
  public static func isUserName(_ name: String) -> Bool {
    (1...userLimit).contains(name.utf8.count)
      && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
  }
}

/// The fields of a `publickey` request. RFC 4252, section 7
public struct PublicKeyRequest: Equatable, Sendable {
  /// The signature algorithm, at most 64 bytes.
  public let algorithm: String
  /// The public key blob, at most 16 KiB, not parsed.
  public let key: [UInt8]
  /// The signature blob, at most 16 KiB, not parsed; nil if the client only asks whether the key is acceptable.
  public let signature: [UInt8]?

  /// Maximum length of a key or signature blob in bytes.
  static let blobLimit = 16 << 10

  init(from reader: inout WireReader) throws(WireError) {
    let isSigned = try reader.boolean()
    algorithm = try reader.text(limit: 64)
    key = Array(try reader.string(limit: Self.blobLimit))
    signature = isSigned ? Array(try reader.string(limit: Self.blobLimit)) : nil
  }
}

/// A parsed USERAUTH_INFO_RESPONSE of keyboard-interactive. RFC 4256, section 3.4
public struct InfoResponse: Equatable, Sendable {
  /// At most 16 responses of at most 4096 bytes.
  public let responses: [SecretBytes]

  /// Parses the payload of a USERAUTH_INFO_RESPONSE after its message number.
  ///
  /// - Throws: `UserauthError.message` if it does not parse or exceeds a limit.
  public init(payload: ArraySlice<UInt8>) throws(UserauthError) {
    var reader = WireReader(payload)
    do throws(WireError) {
      let count = try reader.count(minimumSize: 4)
      guard count <= 16 else { throw .tooLong }
      var responses: [SecretBytes] = []
      for _ in 0..<count { responses.append(try reader.secret(limit: UserauthRequest.passwordLimit)) }
      try reader.end()
      self.responses = responses
    } catch { throw .message(error) }
  }
}

extension WireReader {
  /// Reads a name of RFC 4250, section 4.6.1: 1…64 printable US-ASCII characters without spaces and commas.
  fileprivate mutating func name() throws(UserauthError) -> String {
    let name: String
    do throws(WireError) { name = try text(limit: 64) } catch { throw .message(error) }
    guard !name.isEmpty, name.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ",") }) else {
      throw .name
    }
    return name
  }
}

extension String {
  /// True if both strings consist of the same bytes. `==` treats `é` and `e` with a combining accent as equal; user
  /// names in the system's databases are bytes.
  public func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
