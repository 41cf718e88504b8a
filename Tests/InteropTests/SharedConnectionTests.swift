import Foundation
import Testing

extension Interop {
  /// Exit statuses, in whatever order a channel's ends come, and what becomes of programs that their client leaves.
  @Suite(.serialized) struct SharedConnections {
    @Test(
      .timeLimit(.minutes(3)),
      arguments: ["open", "closed", "null"].flatMap { [($0, false), ($0, true)] })
    func `of a thousand fast commands on a shared connection none loses its status`(
      input: String, onTerminal: Bool
    ) throws {
      try withDaemon(arguments: []) { daemon throws in
        try daemon.claim(
          "shared.py", "fast-commands", environment: ["INPUT": input, "TERMINAL": String(onTerminal)], within: 170)
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a program that closes all of its three goes on, and its status comes`() throws {
      try withDaemon { try $0.claim("shared.py", "closes-all-three") }
    }

    @Test(.timeLimit(.minutes(4)))
    func `rsync and scp end well on a shared connection, 200 times each`() throws {
      try withDaemon(arguments: []) { try $0.claim("shared.py", "transfers", within: 230) }
    }

    @Test(.timeLimit(.minutes(5)))
    func `Ansible's playbooks run by every way to transfer files, with and without pipelining`() throws {
      let outcome = try run(
        ["\(Daemon.repository)/scripts/make-test-venv.sh", "--ansible"], environment: ["HOME": "/root"], within: 240)
      try #require(outcome.status == 0, "\(outcome)")
      try withDaemon(arguments: []) { daemon throws in
        try daemon.claim(
          "shared.py", "ansible", environment: ["ANSIBLE": "\(outcome.line)/bin/ansible-playbook"], within: 280)
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `in every order of a client's ends the status comes once, and before the close`() throws {
      try withDaemon { try $0.claim("left.py", "every-order") }
    }

    @Test(.timeLimit(.minutes(3))) func `a client that closes a terminal's channel hangs it up`() throws {
      try withDaemon { try $0.claim("left.py", "terminal-is-hung-up") }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a client hears that nobody reads what it sends when a write of it has failed, and only then`() throws {
      try withDaemon { try $0.claim("left.py", "end-of-write") }
    }

    @Test(.timeLimit(.minutes(3))) func `what nobody reads does not use up the window`() throws {
      try withDaemon { try $0.claim("left.py", "thrown-away-data-gives-window") }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a program without a terminal goes on, and hears no signal, whatever way its client leaves`() throws {
      try withDaemon { try $0.claim("left.py", "programs-go-on") }
    }
  }
}
