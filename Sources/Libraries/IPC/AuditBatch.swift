import Audit
import Wire

/// Facts that are sent in one message, because a client that handles thousands of files must not cause one for each.
public struct AuditBatch: WireFields, Equatable {
  /// Limit of ``records``.
  public static let countLimit = 64
  /// A batch of this size, in bytes, gets no further fact.
  static let sizeLimit = 8 << 10

  /// At most ``countLimit``.
  public let records: [AuditRecord]

  /// A batch of at most ``countLimit`` facts.
  public init(_ records: [AuditRecord]) { self.records = records }

  /// Removes the longest prefix of `records` that fits into one batch.
  public init(takingFrom records: inout [AuditRecord]) {
    var size = 0
    let end = records.prefix(Self.countLimit).firstIndex { record in
      defer { size += record.estimatedSize }
      return size >= Self.sizeLimit
    }
    self.records = Array(records[..<(end ?? min(records.count, Self.countLimit))])
    records.removeFirst(self.records.count)
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    records = try coder.list(value?.records, max: Self.countLimit)
  }
}

extension AuditRecord {
  /// The approximate size on the wire, in bytes.
  fileprivate var estimatedSize: Int {
    64 + (path?.count ?? 0) + (destination?.count ?? 0) + (command?.count ?? 0) + (details?.utf8.count ?? 0)
  }
}
