import Configuration
import Credentials

/// `gen-host-key`: generates a key for `server.host_keys`.
enum GenHostKey {
  static func run(_ arguments: Arguments) throws(Failure) {
    guard let path = arguments.value("output") else {
      throw Arguments.usage("gen-host-key needs a file: -o FILE", for: .genHostKey)
    }
    let type = arguments.value("type") ?? HostKey.Kind.ed25519.rawValue
    guard let kind = HostKey.Kind(rawValue: type.lowercased()) else {
      let known = HostKey.Kind.allCases.map(\.rawValue)
      let hint = closest(to: type, among: known).map { "; did you mean '\($0)'?" } ?? ""
      throw Arguments.usage(
        "unknown type '\(type)': expected \(known.joined(separator: ", "))\(hint)", for: .genHostKey)
    }
    var bits = try arguments.value("bits").map { (text: String) throws(Failure) in
      guard let bits = Int(text) else { throw Arguments.usage("--bits \(text) is not a number", for: .genHostKey) }
      return bits
    }
    if kind == .ed25519, let given = bits, given != 256 {
      Output.complain(["bssh-server: --bits \(given) has no effect: ed25519 keys have 256 bits"])
      bits = nil
    }
    let key: HostKey
    do throws(CredentialError) {
      key = try HostKey.generate(kind, bits: bits, comment: "bssh-server")
      try HostKeyFile.write(key, to: path, force: arguments.has("force"))
    } catch {
      switch error {
      case .bits: throw Arguments.usage("\(error)", for: .genHostKey)
      case .file, .exists: throw Failure(.cannotCreate, "bssh-server: \(error)")
      case .hostKey, .passwordHash, .oneTimeSecret, .library: throw Failure(.software, "bssh-server: \(error)")
      }
    }
    let half = key.publicKey
    try Output.write("\(path): \(half.type), \(half.bits) bits, \(half.fingerprint)\n")
  }
}
