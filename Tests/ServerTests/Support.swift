import Configuration
import Foundation
import System

@testable import Server

/// A folder that is removed at the end of the test.
final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/bssh-server-tests.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
    path = String(cString: made)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    chmod(file(name), mode)
    return file(name)
  }

  func mode(_ name: String) -> mode_t {
    var status = stat()
    return stat(file(name), &status) == 0 ? status.st_mode & 0o7777 : 0
  }
}

/// The output of a program, and how it ended.
struct Outcome {
  var code: Int32
  var output: String
  var errors: String
}

/// The built program.
let program = (try? ProcessEnvironment.executableFolder()).map { $0 + "/bssh-server" } ?? "bssh-server"

/// Runs the built program to its end; of our environment it gets only `PATH`.
func bsshServer(
  _ arguments: String..., environment: [String: String] = [:], input: String = "", directory: String = "/",
  program: String = program
) throws -> Outcome {
  try bsshServer(arguments, environment: environment, input: input, directory: directory, program: program)
}

func bsshServer(
  _ arguments: [String], environment: [String: String] = [:], input: String = "", directory: String = "/",
  program: String = program
) throws -> Outcome {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"].merging(environment) { $1 }
  process.currentDirectoryURL = URL(fileURLWithPath: directory)
  let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
  process.standardInput = stdin
  process.standardOutput = stdout
  process.standardError = stderr
  try process.run()
  stdin.fileHandleForWriting.write(Data(input.utf8))
  try stdin.fileHandleForWriting.close()
  let output = stdout.fileHandleForReading.readDataToEndOfFile()
  let errors = stderr.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return Outcome(
    code: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
    errors: String(decoding: errors, as: UTF8.self))
}

/// The settings of YAML text, on a machine where all accounts and host keys exist.
func settings(_ yaml: String) throws -> Loaded {
  let root = try YAML.parse(Array(yaml.utf8), name: "f.yaml")
  let users = "users:\n  - name: carol\n    password_hash: '\(hash)'\n"
  let hostEnvironment = HostEnvironment(
    read: { path, _ in
      .success(.init(bytes: Array((path == "/users.yaml" ? users : "hello\n").utf8), isReadableByOthers: false))
    },
    parse: { bytes, path in
      do throws(Diagnostic) { return .success(try YAML.parse(bytes, name: path)) } catch { return .failure(error) }
    },
    hostKey: { $0 == "/k/rsa" ? .usable(algorithms: ["rsa-sha2-512"]) : .usable(algorithms: ["ssh-ed25519"]) },
    revocationFault: { _ in nil }, accountExists: { _ in true }, isExecutable: { _ in true }, isRoot: true)
  return try Loader(file: .init(name: "f.yaml", root: root, isReadableByOthers: false)).load(in: hostEnvironment)
}

let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

/// True if the accounts exist that the daemon's processes use when it is started as root.
var hasServiceAccounts: Bool {
  let names: [String] = ["bssh-transport", "bssh-authority", "bssh-audit"]
  return names.allSatisfy { getpwnam($0) != nil }
}
