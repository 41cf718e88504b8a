import Foundation
import Testing

extension Interop {
  /// Exit statuses, in whatever order the ends of a channel come, and what happens to programs whose client leaves.
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
    func `a program that closes all of its three streams continues, and its status is sent`() throws {
      try withDaemon { try $0.claim("shared.py", "closes-all-three") }
    }

    @Test(.timeLimit(.minutes(4)))
    func `rsync and scp succeed on a shared connection, 200 times each`() throws {
      try withDaemon(arguments: []) { try $0.claim("shared.py", "transfers", within: 230) }
    }

    @Test(.timeLimit(.minutes(5)))
    func `Ansible's playbooks run with every way to transfer files, with and without pipelining`() throws {
      let outcome = try run(
        ["\(Daemon.repository)/scripts/make-test-venv.sh", "--ansible"], environment: ["HOME": "/root"], within: 240)
      try #require(outcome.status == 0, "\(outcome)")
      try withDaemon(arguments: []) { daemon throws in
        try daemon.claim(
          "shared.py", "ansible", environment: ["ANSIBLE": "\(outcome.line)/bin/ansible-playbook"], within: 280)
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `in every order of a client's ends the status is sent once, and before the close`() throws {
      try withDaemon { try $0.claim("left.py", "every-order") }
    }

    @Test(.timeLimit(.minutes(3))) func `a client that closes a terminal's channel hangs it up`() throws {
      try withDaemon { try $0.claim("left.py", "terminal-is-hung-up") }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a client is told that nobody reads its data when a write of it has failed, and only then`() throws {
      try withDaemon { try $0.claim("left.py", "end-of-write") }
    }

    @Test(.timeLimit(.minutes(3))) func `unread data does not use up the window`() throws {
      try withDaemon { try $0.claim("left.py", "thrown-away-data-gives-window") }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a program without a terminal continues and gets no signal, however its client leaves`() throws {
      try withDaemon { try $0.claim("left.py", "programs-go-on") }
    }
  }
}
