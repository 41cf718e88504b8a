import Wire

/// What is wrong with an authentication message of a client.
public enum UserauthError: Error, Equatable, Sendable {
  /// The fields don't fit their types, or the message doesn't end where its last field does.
  case message(WireError)
  /// The user name is empty, or holds a control character.
  case userName
  /// The text of a name-like field is not printable US-ASCII.
  case name
}

/// A USERAUTH_REQUEST, taken apart; RFC 4252, section 5.
///
/// Strict: every field is bounded, and nothing may follow the last one. The key and signature inside stay opaque
/// here; ``PublicKey`` and ``SignatureBlob`` read them.
public struct UserauthRequest: Equatable, Sendable {
  /// The method with its own fields.
  public enum Method: Equatable, Sendable {
    /// `none`: asks which methods there are.
    case none
    /// `publickey`, RFC 4252, section 7.
    case publicKey(PublicKeyRequest)
    /// `password`, RFC 4252, section 8.
    case password(SecretBytes)
    /// `password` with the wish to change it.
    case passwordChange
    /// `keyboard-interactive`, RFC 4256.
    case keyboardInteractive
    /// A method that we don't know; its fields are not read.
    case other(String)
  }

  /// 1…256 bytes of UTF-8 without control characters. Compare it with ``hasSameBytes(as:)``.
  public let user: String
  /// The service to start after the login, at most 64 bytes of printable US-ASCII.
  public let service: String
  public let method: Method

  /// The longest user name, in bytes.
  public static let userLimit = 256
  /// The longest password, in bytes.
  public static let passwordLimit = 4096

  /// Reads the payload of a USERAUTH_REQUEST after its message number.
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

  /// The data that the signature of a `publickey` request covers, RFC 4252, section 7; nil for other methods.
  ///
  /// Built from the fields as read and from *our* session id, so a client cannot sign one thing and send another.
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

/// The fields of a `publickey` request.
public struct PublicKeyRequest: Equatable, Sendable {
  /// The signature algorithm, at most 64 bytes.
  public let algorithm: String
  /// The public key blob, at most 16 KiB, not yet read.
  public let key: [UInt8]
  /// The signature blob, at most 16 KiB, not yet read; nil when the client only asks whether the key would do.
  public let signature: [UInt8]?

  /// The longest key or signature blob, in bytes.
  static let blobLimit = 16 << 10

  init(from reader: inout WireReader) throws(WireError) {
    let isSigned = try reader.boolean()
    algorithm = try reader.text(limit: 64)
    key = Array(try reader.string(limit: Self.blobLimit))
    signature = isSigned ? Array(try reader.string(limit: Self.blobLimit)) : nil
  }
}

/// The answers to the prompts of `keyboard-interactive`; RFC 4256, section 3.4.
public struct InfoResponse: Equatable, Sendable {
  /// At most 16 answers of at most 4096 bytes.
  public let responses: [SecretBytes]

  /// Reads the payload of a USERAUTH_INFO_RESPONSE after its message number.
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
  /// A name of RFC 4250, section 4.6.1: 1…64 printable US-ASCII characters without spaces and commas.
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
  /// True when both are the same bytes. `==` calls `é` and `e` + accent equal; the system's accounts don't.
  public func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
