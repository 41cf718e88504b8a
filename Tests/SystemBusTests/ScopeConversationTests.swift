import Testing

@testable import SystemBus

@Suite struct ScopeConversationTests {
  private let request = ScopeRequest(name: "a.scope", description: "a", slice: "user-7.slice", processes: [42])

  private func open(_ peer: ScopeConversation.Peer = .manager) throws -> ScopeConversation {
    var conversation = ScopeConversation(peer, user: 0)
    conversation.output = []
    #expect(try conversation.received(Array("OK 1234deadbeef\r\n".utf8)) == [])
    return conversation
  }

  /// The messages in the output, without the lines of the authentication.
  private func messages(_ output: [UInt8]) throws -> [BusMessage] {
    var rest = output[...]
    if rest.starts(with: Array("BEGIN\r\n".utf8)) { rest = rest.dropFirst(7) }
    var messages: [BusMessage] = []
    while let length = try BusMessage.length(of: rest) {
      messages.append(try #require(try BusMessage.read(Array(rest.prefix(length)))))
      rest = rest.dropFirst(length)
    }
    #expect(rest.isEmpty)
    return messages
  }

  private func jobRemoved(_ unit: String, _ result: String) -> [UInt8] {
    var message = BusMessage(.signal, serial: 9)
    message.interface = "org.freedesktop.systemd1.Manager"
    message.member = "JobRemoved"
    message.path = "/org/freedesktop/systemd1"
    message.signature = "uoss"
    var body = BusWriter()
    body.uint32(5)
    body.string("/org/freedesktop/systemd1/job/5")
    body.string(unit)
    body.string(result)
    message.body = body.bytes
    return message.bytes
  }

  private func failure(_ serial: UInt32, _ name: String, _ words: String) -> [UInt8] {
    var message = BusMessage(.error, serial: 9)
    message.replySerial = serial
    message.errorName = name
    message.signature = "s"
    var body = BusWriter()
    body.string(words)
    message.body = body.bytes
    return message.bytes
  }

  @Test func `nothing but our identity is sent before the peer accepts it`() throws {
    var conversation = ScopeConversation(.manager, user: 1000)
    conversation.ask(request, number: 1)
    #expect(conversation.output == [0] + Array("AUTH EXTERNAL 31303030\r\n".utf8))
    conversation.output = []
    #expect(try conversation.received(Array("OK 12".utf8)) == [])
    #expect(conversation.output.isEmpty)
    #expect(try conversation.received(Array("34\r\n".utf8)) == [])
    #expect(conversation.output.starts(with: Array("BEGIN\r\n".utf8)))
    #expect(try messages(conversation.output).map(\.member) == ["StartTransientUnit"])
  }

  @Test func `a bus is asked first for a name and for signals`() throws {
    var conversation = ScopeConversation(.bus, user: 0)
    conversation.output = []
    _ = try conversation.received(Array("OK 1\r\n".utf8))
    #expect(try messages(conversation.output).map(\.member) == ["Hello", "AddMatch", "Subscribe"])
    #expect(throws: BusError.refused("org.freedesktop.DBus.Error.LimitsExceeded")) {
      try conversation.received(failure(1, "org.freedesktop.DBus.Error.LimitsExceeded", "no"))
    }
  }

  @Test func `a peer that does not accept our identity ends the conversation`() {
    for line in ["REJECTED EXTERNAL\r\n", "ERROR\r\n", "\r\n"] {
      var conversation = ScopeConversation(.manager, user: 0)
      #expect(throws: BusError.self) { try conversation.received(Array(line.utf8)) }
    }
    var conversation = ScopeConversation(.manager, user: 0)
    #expect(throws: BusError.tooLong) { try conversation.received([UInt8](repeating: 0x41, count: 5000)) }
  }

  @Test func `a scope is complete when its job is done, however the bytes arrive`() throws {
    var conversation = try open()
    conversation.ask(request, number: 1)
    var answer = BusMessage(.answer, serial: 3)
    answer.replySerial = 1
    let bytes = jobRemoved("b.scope", "done") + answer.bytes + jobRemoved("a.scope", "done")
    var outcomes: [ScopeConversation.Outcome] = []
    for byte in bytes {
      #expect(outcomes.isEmpty && !conversation.isIdle)
      outcomes += try conversation.received([byte])
    }
    #expect(outcomes == [.init(number: 1, problem: nil)])
    #expect(conversation.isIdle)
    #expect(try conversation.received(jobRemoved("a.scope", "done")) == [])
  }

  @Test func `a failed job and a refused call report the reason`() throws {
    var conversation = try open()
    conversation.ask(request, number: 1)
    #expect(try conversation.received(jobRemoved("a.scope", "failed")).first?.problem == "its job ended with 'failed'")
    conversation.ask(request, number: 2)
    let refused = failure(2, "org.freedesktop.systemd1.UnitExists", "Unit a.scope already exists.")
    #expect(try conversation.received(refused) == [.init(number: 2, problem: "Unit a.scope already exists.")])
    #expect(conversation.isIdle)
  }

  @Test func `a property that an old systemd does not know is left out from then on`() throws {
    var conversation = try open()
    conversation.output = []
    conversation.ask(request, number: 1)
    conversation.ask(request, number: 2)
    let has = { (message: BusMessage) in String(decoding: message.body, as: UTF8.self).contains("OOMPolicy") }
    #expect(try messages(conversation.output).map(has) == [true, true])
    conversation.output = []
    let name = "org.freedesktop.DBus.Error.PropertyReadOnly"
    for serial in 1...2 as ClosedRange<UInt32> {
      #expect(
        try conversation.received(failure(serial, name, "Cannot set property OOMPolicy, or unknown property.")) == [])
    }
    #expect(!conversation.knowsKills)
    #expect(try messages(conversation.output).map(has) == [false, false])
    // Not a second time for one request.
    let again = failure(3, name, "Cannot set property OOMPolicy, or unknown property.")
    #expect(try conversation.received(again).map(\.number) == [1])
  }
}
