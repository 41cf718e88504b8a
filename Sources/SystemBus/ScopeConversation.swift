/// What a client of systemd says over one connection to have scopes made, and what it hears: EXTERNAL authentication,
/// and then calls, answers and signals. Does nothing itself; the bytes come and go through its caller.
public struct ScopeConversation {
  /// Who is at the other end.
  public enum Peer: Sendable {
    /// systemd itself, which has a socket for root.
    case manager
    /// A bus, to which systemd is connected as others are.
    case bus
  }

  /// What became of a request.
  public struct Outcome: Equatable, Sendable {
    public var number: UInt64
    /// nil: the processes are in their scope.
    public var problem: String?
  }

  private enum State {
    /// A line is waited for that takes us for who we are.
    case authenticating
    case open
  }

  private struct Waiting {
    var number: UInt64
    var request: ScopeRequest
    /// How it was asked for.
    var survivesKills: Bool
  }

  private static let manager = "org.freedesktop.systemd1"
  /// Bytes of a line of the authentication, at most.
  private static let longestLine = 4096

  private let peer: Peer
  private var state = State.authenticating
  private var buffer: [UInt8] = []
  private var nextSerial: UInt32 = 1
  /// Requests by the serials of their calls.
  private var waiting: [UInt32: Waiting] = [:]
  /// What is to be said once the peer has taken us for who we are.
  private var unsent: [UInt8] = []
  /// False once systemd has said that it does not have ``ScopeRequest/body(survivesKills:)``'s property.
  public private(set) var knowsKills: Bool

  /// - Parameters:
  ///   - user: who we are: our user id.
  ///   - knowsKills: what an earlier conversation has found out.
  /// - Returns: with `output`, what is to be sent first.
  public init(_ peer: Peer, user: UInt32, knowsKills: Bool = true) {
    self.peer = peer
    self.knowsKills = knowsKills
    // A name in hexadecimal, as the specification has it; the first byte carries credentials on other systems.
    let name = String(user).utf8.map { String($0, radix: 16) }.joined()
    output = [0] + Array("AUTH EXTERNAL \(name)\r\n".utf8)
    if peer == .bus {
      call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")
      let rule = "type='signal',sender='\(Self.manager)',interface='\(Self.manager).Manager',member='JobRemoved'"
      var writer = BusWriter()
      writer.string(rule)
      call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", writer.bytes)
      callManager("Subscribe")
    }
  }

  /// What is to be sent now; take it away.
  public var output: [UInt8]

  /// True when nothing is waited for.
  public var isIdle: Bool { waiting.isEmpty }

  /// Asks for a scope.
  public mutating func ask(_ request: ScopeRequest, number: UInt64) {
    let body = request.body(survivesKills: knowsKills)
    waiting[callManager("StartTransientUnit", "ssa(sv)a(sa(sv))", body)] = Waiting(
      number: number, request: request, survivesKills: knowsKills)
  }

  /// Bytes have come. Throws when nothing more can be understood: then end the connection.
  public mutating func received(_ bytes: [UInt8]) throws(BusError) -> [Outcome] {
    buffer += bytes
    if case .authenticating = state {
      guard let end = buffer.firstIndex(of: UInt8(ascii: "\n")) else {
        if buffer.count > Self.longestLine { throw .tooLong }
        return []
      }
      let line = String(decoding: buffer[..<end].prefix { $0 >= 0x20 }, as: UTF8.self)
      guard line.hasPrefix("OK ") else { throw .refused(line) }
      buffer.removeSubrange(...end)
      state = .open
      output += Array("BEGIN\r\n".utf8) + unsent
      unsent = []
    }
    var outcomes: [Outcome] = []
    while let length = try BusMessage.length(of: buffer[...]), buffer.count >= length {
      let message = try BusMessage.read(Array(buffer[..<length]))
      buffer.removeSubrange(..<length)
      if let message { outcomes += try heard(message) }
    }
    return outcomes
  }

  private mutating func heard(_ message: BusMessage) throws(BusError) -> [Outcome] {
    switch message.kind {
    case .call, .answer: return []
    case .error: return try failed(message)
    case .signal:
      guard message.interface == Self.manager + ".Manager", message.member == "JobRemoved",
        message.signature == "uoss"
      else { return [] }
      let texts = try message.leadingTexts()
      guard let key = waiting.first(where: { $0.value.request.name == texts[2] })?.key,
        let request = waiting.removeValue(forKey: key)
      else { return [] }
      let result = texts[3] ?? ""
      return [Outcome(number: request.number, problem: result == "done" ? nil : "its job ended with '\(result)'")]
    }
  }

  private mutating func failed(_ message: BusMessage) throws(BusError) -> [Outcome] {
    guard let request = waiting.removeValue(forKey: message.replySerial) else {
      // Of what a bus is asked first, nothing can be done without.
      if peer == .bus, message.replySerial <= 3 { throw .refused(message.errorName) }
      return []
    }
    let isUnknown = ["PropertyReadOnly", "UnknownProperty", "InvalidArgs"]
      .contains { message.errorName == "org.freedesktop.DBus.Error.\($0)" }
    let words = message.signature.hasPrefix("s") ? try message.leadingTexts().first.flatMap(\.self) : nil
    if request.survivesKills, isUnknown, words?.contains("OOMPolicy") ?? false {
      knowsKills = false
      ask(request.request, number: request.number)
      return []
    }
    return [Outcome(number: request.number, problem: words ?? message.errorName)]
  }

  @discardableResult
  private mutating func callManager(_ member: String, _ signature: String = "", _ body: [UInt8] = []) -> UInt32 {
    call(Self.manager, "/org/freedesktop/systemd1", Self.manager + ".Manager", member, signature, body)
  }

  @discardableResult
  private mutating func call(
    _ destination: String, _ path: String, _ interface: String, _ member: String, _ signature: String = "",
    _ body: [UInt8] = []
  ) -> UInt32 {
    var message = BusMessage(.call, serial: nextSerial)
    nextSerial += 1
    message.destination = destination
    message.path = path
    message.interface = interface
    message.member = member
    message.signature = signature
    message.body = body
    switch state {
    case .authenticating: unsent += message.bytes
    case .open: output += message.bytes
    }
    return message.serial
  }
}
