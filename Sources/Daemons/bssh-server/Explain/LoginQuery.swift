import AccessControl
import Authentication
import Wire

/// The login that is explained.
struct LoginQuery {
  var user: String
  var address: IPAddress
  /// The keys of `--key`, in order.
  var keys: [OfferedKey]
  /// The methods that the client uses, in order; empty: all that lead to a login.
  var methods: [AuthenticationMachine.Method]
}

/// A public key or certificate that a client could offer.
struct OfferedKey: Equatable {
  /// Where it comes from: a file, or `file:line`.
  var name: String
  var blob: [UInt8]

  /// The algorithm that a client would name: one of `allowed`, if one is possible for the key.
  func algorithm(of allowed: [String]) -> String? {
    let all: [String]
    if Certificate.isCertificate(blob) {
      guard let certificate = try? Certificate(blob: blob[...]) else { return nil }
      all = certificate.signatureAlgorithms
    } else {
      guard let key = try? PublicKey(blob: blob[...]) else { return nil }
      all = key.signatureAlgorithms
    }
    return all.first(where: allowed.contains) ?? all.first
  }
}

extension LoginQuery {
  /// Parses the options, and reads the files that they name.
  ///
  /// - Throws: ``Failure`` for an invalid option, or a file without a public key.
  init(_ arguments: Arguments) throws(Failure) {
    guard let user = arguments.value("user"), let from = arguments.value("from") else {
      throw Arguments.usage("explain needs a user and an address: --user NAME --from ADDRESS", for: .explain)
    }
    guard UserauthRequest.isUserName(user) else {
      throw Arguments.usage(
        "not a valid user name: 1 to 256 bytes without control characters", for: .explain)
    }
    guard let address = IPAddress(from) else {
      throw Arguments.usage("--from \(from) is not an IPv4 or IPv6 address", for: .explain)
    }
    self.user = user
    self.address = address
    keys = []
    for path in arguments.values["key"] ?? [] { keys.append(try OfferedKey(file: path)) }
    methods = []
    for name in arguments.values["method"] ?? [] {
      guard let method = AuthenticationMachine.Method(rawValue: name) else {
        let known = AuthenticationMachine.Method.allCases.map(\.rawValue)
        throw Arguments.usage(
          "unknown method '\(name)': expected \(known.joined(separator: ", "))", for: .explain)
      }
      methods.append(method)
    }
  }
}

extension OfferedKey {
  /// Limit for a key file in bytes.
  private static let sizeLimit = 64 << 10

  /// Reads the first key of a file with public keys, `type base64 comment`.
  ///
  /// - Throws: ``Failure`` with `noInput` if it cannot be read or contains no public key.
  init(file path: String) throws(Failure) {
    let bytes: [UInt8]
    do throws(RegularFile.Unreadable) {
      bytes = try RegularFile(path).bytes(limit: Self.sizeLimit)
    } catch { throw Failure(.noInput, "bssh-server: \(path): \(error.reason)") }
    if bytes.starts(with: "-----BEGIN".utf8) {
      throw Failure(
        .noInput, "bssh-server: \(path) contains a private key; use the public key instead, such as \(path).pub")
    }
    let lines = bytes.split(separator: UInt8(ascii: "\n")).filter { $0.first != UInt8(ascii: "#") }
    let fields = lines.first?.split(whereSeparator: { [0x20, 0x09, 0x0d].contains($0) }) ?? []
    guard fields.count >= 2, let blob = Base64.decode(fields[1]), Self.isKey(blob, of: fields[0]) else {
      throw Failure(.noInput, "bssh-server: \(path) contains no public key in the form 'type base64 comment'")
    }
    self.init(name: path, blob: blob)
  }

  /// True if the blob's own type is this one.
  private static func isKey(_ blob: [UInt8], of type: ArraySlice<UInt8>) -> Bool {
    let length = [0, 0, UInt8(type.count >> 8 & 255), UInt8(type.count & 255)]
    return blob.starts(with: length + type)
  }
}
