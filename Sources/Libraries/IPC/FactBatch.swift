import Audit
import Wire

/// Facts that go together in one message: what a client does with thousands of files must not cost a message for each.
public struct FactBatch: WireCodable, Equatable {
  /// Facts of a batch at most.
  public static let countLimit = 64
  /// Bytes from which on a batch is full.
  static let sizeLimit = 8 << 10

  public let facts: [Fact]

  /// At most ``countLimit``.
  public init(_ facts: [Fact]) { self.facts = facts }

  /// Takes the first of `facts`, as many as go together.
  public init(takingFrom facts: inout [Fact]) {
    var size = 0
    let end = facts.prefix(Self.countLimit).firstIndex { fact in
      defer { size += fact.estimatedSize }
      return size >= Self.sizeLimit
    }
    self.facts = Array(facts[..<(end ?? min(facts.count, Self.countLimit))])
    facts.removeFirst(self.facts.count)
  }

  public func encode(to writer: inout WireWriter) {
    writer.list(facts) { $1.encode(to: &$0) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    facts = try reader.list(minimumSize: 24) { (r: inout WireReader) throws(WireError) in try Fact(from: &r) }
    guard facts.count <= Self.countLimit else { throw .tooLong }
  }
}

extension Fact {
  /// About as many bytes as it has on the wire.
  fileprivate var estimatedSize: Int {
    64 + (path?.count ?? 0) + (destination?.count ?? 0) + (command?.count ?? 0) + (details?.utf8.count ?? 0)
  }
}

/// What `bssh-transfer` tells the session that started it.
public enum TransferToSession: WireCodable, Equatable {
  /// What happened to files. The session adds the channel.
  case facts(FactBatch)
  /// A line for the log, at most 1,024 bytes.
  case note(String)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .facts(let batch):
      writer.byte(1)
      batch.encode(to: &writer)
    case .note(let text):
      writer.byte(2)
      writer.text(text)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .facts(try FactBatch(from: &reader))
    case 2: self = .note(try reader.text(limit: 1024))
    default: throw .malformed
    }
  }
}
