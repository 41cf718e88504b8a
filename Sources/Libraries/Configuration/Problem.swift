/// Where a value of the configuration comes from.
public enum Source: Equatable, Sendable {
  case file(String)
  /// A variable of the environment, by its name.
  case environment(String)
  /// An option of the command line, as it is documented: `-p`.
  case option(String)

  /// `/etc/bssh/server.yaml`, `BSSH_PORT`, `-p`.
  public var name: String {
    switch self {
    case .file(let name), .environment(let name), .option(let name): name
    }
  }
}

/// Something that is wrong with a configuration: a line for the person who wrote it.
public struct Problem: Error, Equatable, Sendable, CustomStringConvertible {
  public var source: Source?
  public var position: Node.Position?
  /// The path of the key, as `server.port`; empty when no key is concerned.
  public var key: String
  /// What is wrong and what would be right.
  public var reason: String

  public init(source: Source?, position: Node.Position? = nil, key: String, reason: String) {
    self.source = source
    self.position = position
    self.key = key
    self.reason = reason
  }

  /// The same about what the rights of whoever starts the daemon decide, when these are not known.
  public var unchecked: Problem {
    var problem = self
    problem.reason += "; not checked: that takes the rights of the user who starts the daemon"
    return problem
  }

  /// `file:line:column: key: reason`, without the parts that are not there.
  public var description: String {
    var parts: [String] = []
    if let source {
      parts.append(source.name + (position.map { ":\($0.line):\($0.column)" } ?? ""))
    }
    if !key.isEmpty { parts.append(key) }
    return (parts + [reason]).joined(separator: ": ")
  }
}

/// What is wrong with the value of one key; the source is added by who knows it.
struct Fault: Equatable {
  var position: Node.Position?
  /// Below the key: `[2].name`; empty for the value itself.
  var below: String
  var reason: String
}

/// The faults found while one value is read.
struct Faults {
  private(set) var all: [Fault] = []
  /// Where relative paths start; nil: they are faults.
  var folder: String?
  /// What is used all the same, but not as it was written.
  private(set) var warnings: [Fault] = []
  /// Where in the value we are.
  private var below: [String] = []

  mutating func add(_ node: Node, _ reason: String) { add(at: node.position, reason) }

  mutating func add(at position: Node.Position?, _ reason: String) {
    all.append(Fault(position: position, below: below.joined(), reason: reason))
  }

  /// The value is used, but not as it was written.
  mutating func warn(_ node: Node, _ reason: String) {
    warnings.append(Fault(position: node.position, below: below.joined(), reason: reason))
  }

  /// Runs `body`; faults that it adds are those of `part`, as `[2]` or `.name`.
  mutating func within<Value>(_ part: String, _ body: (inout Faults) -> Value) -> Value {
    below.append(part)
    defer { below.removeLast() }
    return body(&self)
  }
}
