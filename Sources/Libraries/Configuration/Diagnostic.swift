/// The source of a value of the configuration.
public enum Source: Equatable, Sendable {
  /// The path of a file.
  case file(String)
  /// The name of an environment variable.
  case environment(String)
  /// An option of the command line, as documented: `-p`.
  case option(String)

  /// The name in messages: `/etc/bssh/server.yaml`, `BSSH_PORT`, `-p`.
  public var name: String {
    switch self {
    case .file(let name), .environment(let name), .option(let name): name
    }
  }
}

/// An error or a warning about a configuration, for its author.
public struct Diagnostic: Error, Equatable, Sendable, CustomStringConvertible {
  /// The source of the value; nil: none.
  public var source: Source?
  /// The position in the file; nil: not in a file.
  public var position: Node.Position?
  /// The path of the key, such as `server.port`; empty: no key is concerned.
  public var key: String
  /// What is wrong, and what would be right.
  public var reason: String

  public init(source: Source?, position: Node.Position? = nil, key: String, reason: String) {
    self.source = source
    self.position = position
    self.key = key
    self.reason = reason
  }

  /// The problem as a warning for a check without the privileges of the user who starts the daemon, on which it depends.
  public var unchecked: Diagnostic {
    var problem = self
    problem.reason += "; not checked: this depends on the privileges of the user who starts the daemon"
    return problem
  }

  /// `file:line:column: key: reason`, without the parts that are nil or empty.
  public var description: String {
    var parts: [String] = []
    if let source {
      parts.append(source.name + (position.map { ":\($0.line):\($0.column)" } ?? ""))
    }
    if !key.isEmpty { parts.append(key) }
    return (parts + [reason]).joined(separator: ": ")
  }
}

/// A fault of the value of one key, without its source.
struct ValueDiagnostic: Equatable {
  var position: Node.Position?
  /// The part of the value: `[2].name`; empty: the value itself.
  var below: String
  var reason: String
}

/// Collects the faults of a value while it is read.
struct ValueDiagnostics {
  private(set) var all: [ValueDiagnostic] = []
  /// The directory against which relative paths are resolved; nil: these are faults.
  var folder: String?
  /// Values that are used, but not as they are written.
  private(set) var warnings: [ValueDiagnostic] = []
  /// The part of the value that is being read.
  private var below: [String] = []

  mutating func add(_ node: Node, _ reason: String) { add(at: node.position, reason) }

  mutating func add(at position: Node.Position?, _ reason: String) {
    all.append(ValueDiagnostic(position: position, below: below.joined(), reason: reason))
  }

  /// Adds a warning: the value is used, but not as it is written.
  mutating func warn(_ node: Node, _ reason: String) {
    warnings.append(ValueDiagnostic(position: node.position, below: below.joined(), reason: reason))
  }

  /// Calls `body`; the faults that it adds are those of `part`: `[2]` or `.name`.
  mutating func within<Value>(_ part: String, _ body: (inout ValueDiagnostics) -> Value) -> Value {
    below.append(part)
    defer { below.removeLast() }
    return body(&self)
  }
}
