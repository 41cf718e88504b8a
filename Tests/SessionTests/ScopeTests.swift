import Foundation
import IPC
import System
import Testing

@Suite struct ScopeTests {
  @Test(.timeLimit(.minutes(5))) func `a program waits until its login is in its scope, and the next does not`() throws
  {
    let session = try SessionUnderTest.loggedIn { $0.awaitsScope = true }
    try session.send(.request(channel: 0, .execute(Array("true".utf8))))
    _ = try session.start()
    #expect(session.transport?.descriptor.wait(for: POLLIN, milliseconds: 300) == false)
    try session.enterScope()
    #expect(try session.next().message == .started(channel: 0, terminal: false))
    #expect(try session.next().message == .exited(channel: 0, status: 0))
    #expect(try session.ask(.execute(Array("true".utf8)), on: 1) == .started(channel: 1, terminal: false))
  }

  @Test(.timeLimit(.minutes(5))) func `a program that waits for a scope in vain starts a little later`() throws {
    let session = try SessionUnderTest.loggedIn { $0.awaitsScope = true }
    #expect(try session.ask(.execute(Array("true".utf8))) == .started(channel: 0, terminal: false))
    #expect(try session.note() == "channel 0: this login is not in a scope of its own yet, and is not waited for")
    // A late answer is not mistaken for another message.
    try session.enterScope()
    #expect(try session.next().message == .exited(channel: 0, status: 0))
    #expect(try session.ask(.execute(Array("true".utf8)), on: 1) == .started(channel: 1, terminal: false))
  }

  @Test(.timeLimit(.minutes(5))) func `a login whose supervisor is gone starts programs without a scope`() throws {
    let session = try SessionUnderTest.loggedIn { $0.awaitsScope = true }
    session.closeControl()
    #expect(try session.ask(.execute(Array("true".utf8))) == .started(channel: 0, terminal: false))
  }
}
