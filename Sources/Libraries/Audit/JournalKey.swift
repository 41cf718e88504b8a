/// The keys of a journal line, in order. The JSON schema of a line and the tables in Documentation/AUDIT.md are
/// generated from ``row``.
public enum JournalKey: String, CaseIterable, Sendable {
  /// The UUID of the event.
  case id
  /// The time of the event. RFC 3339
  case timestamp
  /// The ``EventType``.
  case eventType = "event_type"
  /// The UUID of the login.
  case sessionID = "session_id"
  /// The user name that the client sent.
  case user
  /// The client's address.
  case clientAddress = "client_ip"
  /// The file, as an absolute path that the client sees.
  case path
  /// The new path of a renamed file, or the other path of a link.
  case destination = "dest_path"
  /// Number of bytes in both directions.
  case bytes
  /// The ``EventResult``.
  case result
  /// Free text, which may change.
  case details
  /// The ``EventProtocol``.
  case `protocol`
  /// The version of the line format.
  case version = "v"
  /// The number of the line in its series.
  case sequence = "seq"
  /// The hash of the previous line.
  case previous = "prev"
  /// The name of the server.
  case host
  /// The number of the connection.
  case connection = "connection_id"
  /// The number of the channel.
  case channel
  /// The client's port.
  case clientPort = "client_port"
  /// The client's identification line. RFC 4253, section 4.2
  case clientVersion = "client_version"
  /// The authentication methods, such as `publickey,totp`.
  case method
  /// The fingerprint of the key.
  case keyFingerprint = "key_fingerprint"
  /// The command line or subsystem, at most 4 KiB.
  case command
  /// The exit status of the program.
  case exitStatus = "exit_status"
  /// The signal that ended the program, without `SIG`. RFC 4254, section 6.10
  case signal
  /// The duration in milliseconds.
  case duration = "duration_ms"
  /// Number of bytes from the client.
  case bytesIn = "bytes_in"
  /// Number of bytes to the client.
  case bytesOut = "bytes_out"
  /// The rule or configuration key that decided.
  case rule
  /// The reason code.
  case reason
  /// The key exchange method. RFC 4253, section 7.1
  case keyExchange = "key_exchange"
  /// The ``ForwardKind``.
  case forwardKind = "forward_kind"
  /// The TCP target of a forward, as the client asked for it.
  case target
  /// The address and port that a forward is connected to.
  case address
  /// Where the client says that a forwarded connection comes from.
  case originator

  /// The type of a value in JSON.
  public enum Form: Sendable {
    /// A string.
    case text
    /// A string that matches this regular expression.
    case pattern(String)
    /// One of these strings.
    case names([String])
    /// An integer in this range.
    case number(in: ClosedRange<UInt64>)
    /// The number ``JournalLine/version``.
    case version
  }

  /// The properties of a key.
  public struct Row: Sendable {
    /// The type of its value.
    public let form: Form
    /// True if the value is `null` where it does not apply.
    public let isOptional: Bool
    /// The name of the OTLP attribute: the one that bssh uses, if it has one. nil: the name of the key.
    public let attribute: String?
    /// For the documentation: what the value means.
    public let meaning: String

    init(_ form: Form, as attribute: String? = nil, isOptional: Bool = true, _ meaning: String) {
      (self.form, self.attribute, self.isOptional, self.meaning) = (form, attribute, isOptional, meaning)
    }
  }

  private static let uuid = Form.pattern("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")

  /// The properties of the key.
  public var row: Row { Self.rows[self]! }

  private static let rows = Dictionary(uniqueKeysWithValues: allCases.map { ($0, $0.makeRow()) })

  private func makeRow() -> Row {
    let count = Form.number(in: 0...UInt64.max)
    return switch self {
    case .id:
      Row(
        Self.uuid, as: "event.id", isOptional: false,
        "The UUID of the event (RFC 9562, version 4). An exporter may send an event twice, with the same `id`"
      )
    case .timestamp:
      Row(
        .pattern(#"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"#), isOptional: false,
        "The time when the supervisor received the event: RFC 3339, UTC, microseconds")
    case .eventType:
      Row(.names(EventType.allCases.map(\.rawValue)), as: "event.type", isOptional: false, "The type of the event")
    case .sessionID: Row(Self.uuid, as: "session.id", "The UUID of the login; null before a login")
    case .user: Row(.text, as: "user.name", "The user name that the client sent, whether or not the user exists")
    case .clientAddress:
      Row(
        .pattern("^[0-9a-f:.]+(%[^ ]+)?(/64)?$"), as: "client.ip",
        "The client's address, without brackets; for bans of an IPv6 /64, the range")
    case .path:
      Row(.text, as: "file.path", "The file that the event is about, as an absolute path that the client sees")
    case .destination:
      Row(.text, as: "file.dest_path", "The second path of a rename or a link; for a link its target, as written")
    case .bytes: Row(count, as: "file.bytes", "Number of bytes transferred in both directions")
    case .result:
      Row(
        .names(EventResult.allCases.map(\.rawValue)), isOptional: false,
        "The result: `success`, `failure` (it did not work), `denied` (a rule refused it), `error` (the server is at fault)"
      )
    case .details: Row(.text, "A text for administrators, which may change")
    case .protocol: Row(.names(EventProtocol.allCases.map(\.rawValue)), "The part of the server")
    case .version:
      Row(
        .version, isOptional: false,
        "The version of the line format; version 1 has no `key_exchange`, version 2 nothing that follows it")
    case .sequence:
      Row(
        .number(in: 1...UInt64.max), isOptional: false,
        "The number of the line in its series, without gaps; file events have their own series")
    case .previous:
      Row(
        .pattern("^[0-9a-f]{64}$"), isOptional: false,
        "The SHA-256 of the previous line, without its newline; zeros in the first line of a series")
    case .host: Row(.text, as: "host.name", isOptional: false, "The name of the server")
    case .connection:
      Row(
        .number(in: 1...UInt64.max), as: "connection.id",
        "The number of the connection, which is in square brackets in the log; restarts with the daemon")
    case .channel: Row(.number(in: 0...4_294_967_295), "The number of the channel in its connection")
    case .clientPort: Row(.number(in: 0...65_535), as: "client.port", "The client's port")
    case .clientVersion:
      Row(.text, as: "client.version", "The client's identification string (RFC 4253, section 4.2)")
    case .method: Row(.text, "The authentication methods attempted or granted: `publickey`, `publickey,totp`")
    case .keyFingerprint:
      Row(
        .pattern("^SHA256:[A-Za-z0-9+/]{43}$"), as: "key.fingerprint",
        "The fingerprint of the login's key, as `ssh-keygen -l` prints it")
    case .command: Row(.text, "The command line as the client sent it, or the subsystem; at most 4 KiB")
    case .exitStatus: Row(.number(in: 0...4_294_967_295), "The exit status of the program")
    case .signal: Row(.text, "The signal that ended the program, without SIG (RFC 4254, section 6.10)")
    case .duration: Row(count, "The duration in milliseconds")
    case .bytesIn: Row(count, "Number of bytes from the client")
    case .bytesOut: Row(count, "Number of bytes to the client")
    case .rule: Row(.text, "The rule or configuration key that decided")
    case .reason: Row(.pattern("^[a-z0-9_]+$"), "The reason: a stable code, on which scripts can rely")
    case .keyExchange: Row(.text, "The method of the connection's first key exchange, such as `mlkem768x25519-sha256`")
    case .forwardKind:
      Row(
        .names(ForwardKind.allCases.map(\.rawValue)),
        "What a forward is: `local`, a connection to a TCP port (`ssh -L`, `-D`, `-W`, `-J`), or `local_socket`, one to a Unix socket, whose path is `path`"
      )
    case .target:
      Row(
        .text, "The name or address and the port that the client asked to be connected to; IPv6 addresses in brackets")
    case .address: Row(.text, "The address and the port that a forward is connected to")
    case .originator: Row(.text, "Where the client says that a forwarded connection comes from; nobody checks it")
    }
  }

  /// The name of the OTLP attribute.
  public var attribute: String { row.attribute ?? rawValue }
}
