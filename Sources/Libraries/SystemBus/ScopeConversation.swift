/// The state machine of one connection to systemd that creates scopes: EXTERNAL authentication, then calls, replies and
/// signals.
///
/// Performs no input or output; the caller sends ``output`` and passes on what it receives. D-Bus Specification,
/// org.freedesktop.systemd1(5)
public struct ScopeConversation {
  /// What the connection leads to.
  public enum Peer: Sendable {
    /// systemd itself, over its private socket for root.
    case manager
    /// A message bus, to which systemd is connected.
    case bus
  }

  /// The result of a request.
  public struct Outcome: Equatable, Sendable {
    /// The number passed to ``ask(_:number:)``.
    public var number: UInt64
    /// The reason for a failure; nil: the processes are in their scope.
    public var problem: String?
  }

  private enum State {
    /// Waiting for the line that accepts our identity.
    case authenticating
    case open
  }

  private struct Waiting {
    var number: UInt64
    var request: ScopeRequest
    /// The parameter of ``ScopeRequest/body(survivesKills:)`` in the call.
    var survivesKills: Bool
  }

  private static let manager = "org.freedesktop.systemd1"
  /// Limit of a line of the authentication in bytes.
  private static let longestLine = 4096

  private let peer: Peer
  private var state = State.authenticating
  private var buffer: [UInt8] = []
  private var nextSerial: UInt32 = 1
  /// Pending requests by the serials of their calls.
  private var waiting: [UInt32: Waiting] = [:]
  /// Messages to send once the peer has accepted our identity.
  private var unsent: [UInt8] = []
  /// False once systemd has reported that it does not know OOMPolicy, the property for
  /// ``ScopeRequest/body(survivesKills:)``.
  public private(set) var knowsKills: Bool

  /// Begins the authentication; ``output`` then holds the first bytes to send.
  ///
  /// - Parameters:
  ///   - user: our user id.
  ///   - knowsKills: what an earlier conversation has found out.
  public init(_ peer: Peer, user: UInt32, knowsKills: Bool = true) {
    self.peer = peer
    self.knowsKills = knowsKills
    // The user id in decimal digits, in hexadecimal, as the specification requires. The leading zero byte carries
    // credentials on other systems.
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

  /// Bytes to send; the caller removes them once they are sent.
  public var output: [UInt8]

  /// True when no request is pending.
  public var isIdle: Bool { waiting.isEmpty }

  /// Requests a scope; `number` identifies the request in its ``Outcome``.
  public mutating func ask(_ request: ScopeRequest, number: UInt64) {
    let body = request.body(survivesKills: knowsKills)
    waiting[callManager("StartTransientUnit", "ssa(sv)a(sa(sv))", body)] = Waiting(
      number: number, request: request, survivesKills: knowsKills)
  }

  /// Handles received bytes, in pieces of any length.
  ///
  /// - Returns: the results of requests that are now complete.
  /// - Throws: `BusError` when the peer refuses us, or its bytes cannot be understood: close the connection.
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
      if let message { outcomes += try handle(message) }
    }
    return outcomes
  }

  private mutating func handle(_ message: BusMessage) throws(BusError) -> [Outcome] {
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
      // Serials 1 to 3 are the calls that set up a connection to a bus; nothing works without them.
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
