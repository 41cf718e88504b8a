import Configuration
import Credentials
import Foundation
import IPC
import System
import Testing
import Wire

@testable import Authority

/// Runs the built bssh-authority at the other end of a socket.
@Suite struct ServiceTests {
  /// A running authority, which ends with the test.
  final class Running {
    let process: ChildProcess
    private(set) var socket: MessageSocket?

    init() throws {
      let (ours, theirs) = try MessageSocket.supervised()
      let null = try Descriptor.open("/dev/null", O_RDWR)
      let path = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
      process = try ChildProcess(
        .init(
          path: path + "/bssh-authority", arguments: ["bssh-authority"],
          descriptors: [null, null, null] + theirs))
      socket = ours
    }

    /// Closes our end of the socket.
    func hangUp() { socket = nil }

    deinit {
      kill(process.pid, SIGKILL)
      waitpid(process.pid, nil, 0)
    }

    func start(_ start: AuthorityStart, _ settings: Settings, keys: [[UInt8]]) throws {
      let files = try ([settings.wireBytes] + keys).map { try Descriptor.sealedMemory(name: "start", $0) }
      try socket?.send(start.wireBytes, descriptors: files, wait: true)
    }

    /// The next answer; nil if the authority has ended.
    func answer() throws -> AuthorityToSupervisor? {
      guard case .message(let bytes, _) = try socket?.receive(wait: 60_000) else { return nil }
      return try AuthorityToSupervisor(wireBytes: bytes[...])
    }

    func ask(_ question: SupervisorToAuthority, _ files: Files = Files()) throws -> AuthorityToSupervisor? {
      try socket?.send(question.wireBytes, descriptors: try files.descriptors(), wait: true)
      return try answer()
    }
  }

  private func started() throws -> (Running, HostKey) {
    let running = try Running()
    let key = try HostKey.generate(.ed25519)
    try running.start(
      AuthorityStart(hostKeyCount: 1, singleUser: nil), Settings(), keys: [try key.fileContent()])
    let offer = OfferedHostKey(blob: key.publicKey.blob, description: "ssh-ed25519 \(key.publicKey.fingerprint)")
    #expect(try running.answer() == .ready(hostKeys: [offer]))
    return (running, key)
  }

  @Test func `the program answers requests one after the other`() throws {
    let (running, key) = try started()
    let hash = [UInt8](repeating: 1, count: 32)
    guard
      case .signed(let signature) = try running.ask(
        .sign(hostKey: key.publicKey.blob, algorithm: "ssh-ed25519", hash: hash))
    else {
      Issue.record("no answer")
      return
    }
    try Verifier.verify(try #require(signature), over: hash, by: key.publicKey, algorithm: "ssh-ed25519")

    var client = try Client()
    client.user = "root"
    var files = Files()
    files.add(client.key.publicKey.text)
    #expect(
      try running.ask(files.question(client, try client.request()), files)
        == .verdict(
          Verdict(
            outcome: .accepted, fingerprint: client.key.publicKey.fingerprint,
            place: "/home/anna/.ssh/authorized_keys:1")))
    #expect(
      try running.ask(.password(user: "root", password: SecretBytes("x".utf8)))
        == .verdict(Verdict(outcome: .rejected, reason: "no_password")))
    guard case .account(let answer) = try running.ask(.account(user: "root", address: "192.0.2.7")) else {
      Issue.record("no answer")
      return
    }
    #expect(answer.login?.uid == 0)
  }

  @Test func `it leaves no core file and gains no privileges by execve`() throws {
    let (running, _) = try started()
    let status = try String(contentsOfFile: "/proc/\(running.process.pid)/status", encoding: .utf8)
    #expect(status.contains("NoNewPrivs:\t1"))
    let limits = try String(contentsOfFile: "/proc/\(running.process.pid)/limits", encoding: .utf8)
    #expect(limits.split(separator: "\n").contains { $0.hasPrefix("Max core file size") && $0.contains(" 0 ") })
  }

  @Test func `an authority ends with its supervisor`() throws {
    let (running, _) = try started()
    running.hangUp()
    #expect(running.process.descriptor.wait(for: POLLIN, milliseconds: 60_000))
  }

  @Test(arguments: [0, 1, 2])
  func `an authority with an invalid first message ends without an answer`(fault: Int) throws {
    let running = try Running()
    let start = AuthorityStart(hostKeyCount: 1, singleUser: nil)
    switch fault {
    case 0: try running.start(start, Settings(), keys: [])
    case 1: try running.start(start, Settings(), keys: [Array("no key".utf8)])
    default: try running.socket?.send([1, 2, 3], wait: true)
    }
    #expect(try running.answer() == nil)
  }

  @Test func `a request that does not parse ends the authority`() throws {
    let (running, _) = try started()
    try running.socket?.send([99], wait: true)
    #expect(try running.answer() == nil)
  }
}
