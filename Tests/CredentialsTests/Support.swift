import Authentication
import Credentials
import Foundation

/// A temporary directory, removed when the test ends.
final class Scratch {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/credentials-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name)))) }

  func write(_ bytes: [UInt8], to name: String, mode: Int = 0o600) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file(name))
  }
}

/// The output and exit status of a program.
struct Run {
  let status: Int32
  let output: String

  init(_ path: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    status = process.terminationStatus
  }

  static func sshKeygen(_ arguments: String...) throws -> Run { try Run("/usr/bin/ssh-keygen", arguments) }
  static func openssl(_ arguments: String...) throws -> Run { try Run("/usr/bin/openssl", arguments) }
}

/// The type and size of a key, with the names that both programs use.
struct KeyChoice: CustomStringConvertible, Sendable {
  let kind: HostKey.Kind
  let bits: Int

  var description: String { "\(kind.rawValue)-\(bits)" }

  static let all = [
    KeyChoice(kind: .ed25519, bits: 256), KeyChoice(kind: .ecdsa, bits: 256), KeyChoice(kind: .ecdsa, bits: 384),
    KeyChoice(kind: .ecdsa, bits: 521), KeyChoice(kind: .rsa, bits: 2048), KeyChoice(kind: .rsa, bits: 3072),
    KeyChoice(kind: .rsa, bits: 4096),
  ]
}
