import AccessControl
import Authentication
import Configuration
import Credentials
import Filter
import Foundation
import IPC
import Model
import System
import Wire

@testable import Authority

/// Made-up accounts.
struct MadeUpAccounts: AccountSource {
  var accounts: [SystemAccount] = []
  var broken: Set<String> = []
  var notice: String?
  var kinds: [String: ShellKind] = [:]
  var executables: Set<String> = ["/bin/sh", "/bin/zsh"]

  func account(named name: String) throws(AccountError) -> SystemAccount {
    if broken.contains(name) { throw .failed }
    guard let account = accounts.first(where: { $0.name == name }) else { throw .unknown }
    return account
  }

  func account(uid: UInt32) throws(AccountError) -> SystemAccount {
    guard let account = accounts.first(where: { $0.uid == uid }) else { throw .unknown }
    return account
  }

  func patterns(_ patterns: [NamePattern], matching groups: [UInt32]) throws(AccountError) -> Set<NamePattern> {
    if broken.contains("group") { throw .failed }
    let names: [UInt32: String] = [100: "users", 27: "sudo", 65534: "nogroup"]
    return Set(patterns.filter { pattern in groups.contains { names[$0].map(pattern.matches) ?? false } })
  }

  func noLogins() -> String? { notice }

  func isExecutable(_ path: String) -> Bool { executables.contains(path) }

  func kind(ofShell path: String) -> ShellKind { kinds[path] ?? .listed }

  static let usual = MadeUpAccounts(accounts: [
    SystemAccount(name: "anna", uid: 1000, gid: 100, groups: [100, 27], home: "/home/anna", shell: "/bin/zsh"),
    SystemAccount(name: "bert", uid: 1001, gid: 100, groups: [100], home: "/home/bert", shell: ""),
    SystemAccount(name: "carl", uid: 1002, gid: 100, groups: [100], home: "/home/../carl", shell: "/bin/none"),
    SystemAccount(name: "nobody", uid: 65534, gid: 65534, groups: [65534], home: "/", shell: "/bin/sh"),
  ])
}

/// A client with a key.
struct Client {
  let key: HostKey
  var user = "anna"
  var sessionID = [UInt8](repeating: 7, count: 32)

  init(_ kind: HostKey.Kind = .ed25519, bits: Int? = nil) throws { key = try HostKey.generate(kind, bits: bits) }

  init(key: HostKey) { self.key = key }

  /// The payload of a USERAUTH_REQUEST; `tamper` changes the data that is signed. If a certificate is given, the
  /// request contains it in place of the key.
  func request(
    algorithm: String? = nil, signatureAlgorithm: String? = nil, isSigned: Bool = true,
    service: String = "ssh-connection", certificate: [UInt8]? = nil,
    tamper: ([UInt8]) -> [UInt8] = { $0 }
  ) throws -> [UInt8] {
    let plain = key.publicKey.signatureAlgorithms[0]
    let algorithm = algorithm ?? (certificate == nil ? plain : plain + "-cert-v01@openssh.com")
    var writer = WireWriter()
    writer.text(user)
    writer.text(service)
    writer.text("publickey")
    writer.boolean(isSigned)
    writer.text(algorithm)
    writer.string(certificate ?? key.publicKey.blob)
    guard isSigned else { return writer.bytes }
    var data = WireWriter()
    data.string(sessionID)
    data.byte(50)
    data.raw(writer.bytes)
    writer.string(
      try key.sign(
        tamper(data.bytes), algorithm: signatureAlgorithm ?? Certificate.plainAlgorithm(algorithm) ?? algorithm))
    return writer.bytes
  }
}

/// authorized_keys files, as a session process hands them over.
struct Files {
  var files: [KeyFile] = []
  var principals: KeyFile?
  var bytes: [UInt8] = []

  mutating func add(_ content: String, path: String = "/home/anna/.ssh/authorized_keys") {
    files.append(KeyFile(path: path, length: UInt32(content.utf8.count), problem: nil))
    bytes += Array(content.utf8)
  }

  /// Call this after all key files have been added.
  mutating func addPrincipals(_ content: String) {
    principals = KeyFile(path: "/principals", length: UInt32(content.utf8.count), problem: nil)
    bytes += Array(content.utf8)
  }

  /// The message about a request, with these files.
  func question(
    _ client: Client, _ request: [UInt8], from address: String? = "192.0.2.7", groups: [String] = []
  ) -> SupervisorToAuthority {
    .publicKey(
      KeyVerificationRequest(
        sessionID: client.sessionID, request: request, client: address.flatMap { IPAddress($0) },
        groups: groups, files: files,
        principals: principals))
  }

  func descriptors() throws -> [Descriptor] { bytes.isEmpty ? [] : [try Descriptor.sealedMemory(name: "keys", bytes)] }
}

/// An authority with made-up accounts.
func authority(
  hostKeys: [HostKey] = [], singleUser: UInt32? = nil, accounts: MadeUpAccounts = .usual,
  _ configure: (inout Settings) -> Void = { _ in }
) throws -> Authority {
  var settings = Settings()
  configure(&settings)
  return try Authority(settings: settings, hostKeys: hostKeys, singleUser: singleUser, accounts: accounts)
}

extension Authority {
  func ask(_ question: SupervisorToAuthority, _ files: Files = Files()) throws -> AuthorityToSupervisor {
    try reply(to: question.wireBytes, files: try files.descriptors())
  }

  func verdict(_ question: SupervisorToAuthority, _ files: Files = Files()) throws -> Verdict {
    guard case .verdict(let verdict) = try ask(question, files) else { throw WireError.malformed }
    return verdict
  }

  func who(_ user: String, from address: String = "192.0.2.7") throws -> AccountReply {
    guard case .account(let answer) = try ask(.account(user: user, address: address)) else { throw WireError.malformed }
    return answer
  }
}
