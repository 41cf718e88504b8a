import Audit
import Wire

/// Facts that are sent in one message, because a client that handles thousands of files must not cause one for each.
public struct FactBatch: WireFields, Equatable {
  /// Limit of ``facts``.
  public static let countLimit = 64
  /// A batch of this size, in bytes, gets no further fact.
  static let sizeLimit = 8 << 10

  /// At most ``countLimit``.
  public let facts: [Fact]

  /// A batch of at most ``countLimit`` facts.
  public init(_ facts: [Fact]) { self.facts = facts }

  /// Removes the longest prefix of `facts` that fits into one batch.
  public init(takingFrom facts: inout [Fact]) {
    var size = 0
    let end = facts.prefix(Self.countLimit).firstIndex { fact in
      defer { size += fact.estimatedSize }
      return size >= Self.sizeLimit
    }
    self.facts = Array(facts[..<(end ?? min(facts.count, Self.countLimit))])
    facts.removeFirst(self.facts.count)
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    facts = try coder.list(value?.facts, max: Self.countLimit)
  }
}

extension Fact {
  /// The approximate size on the wire, in bytes.
  fileprivate var estimatedSize: Int {
    64 + (path?.count ?? 0) + (destination?.count ?? 0) + (command?.count ?? 0) + (details?.utf8.count ?? 0)
  }
}
