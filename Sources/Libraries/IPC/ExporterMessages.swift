import Audit
import Wire

/// What an exporter tells the supervisor, on the socket that is its descriptor 3. The supervisor says nothing there: what
/// an exporter is to do is in its settings, and it ends when the socket does.
public enum ExporterToSupervisor: WireCodable, Equatable {
  /// How far it has come; said when that changes, and at most every few seconds while it goes on.
  case progress(ExporterProgress)
  /// A line for the log.
  case note(isProblem: Bool, text: String)
  /// Events that will never arrive: `count` of them, the first with the number `first` in its series.
  case lost(JournalSeries, first: UInt64, count: UInt64, reason: ExportLoss)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .progress(let progress):
      writer.byte(1)
      progress.encode(to: &writer)
    case .note(let isProblem, let text):
      writer.byte(2)
      writer.boolean(isProblem)
      writer.text(text)
    case .lost(let series, let first, let count, let reason):
      writer.byte(3)
      writer.byte(series.rawValue)
      writer.uint64(first)
      writer.uint64(count)
      writer.text(reason.rawValue)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .progress(try ExporterProgress(from: &reader))
    case 2: self = .note(isProblem: try reader.boolean(), text: try reader.text(limit: 2048))
    case 3:
      guard let series = JournalSeries(rawValue: try reader.byte()) else { throw .malformed }
      let (first, count) = (try reader.uint64(), try reader.uint64())
      guard let reason = ExportLoss(rawValue: try reader.text(limit: 64)) else { throw .malformed }
      self = .lost(series, first: first, count: count, reason: reason)
    default: throw .malformed
    }
  }
}

/// How far an exporter has come.
public struct ExporterProgress: WireCodable, Equatable {
  /// The number of the last event of the main series that the receiver has; nil: none yet.
  public var shipped: UInt64?
  /// Events of the journal, of all series, that it has not.
  public var waiting: UInt64
  /// True since it fell behind, and until it has caught up.
  public var isBehind: Bool

  public init(shipped: UInt64?, waiting: UInt64, isBehind: Bool) {
    self.shipped = shipped
    self.waiting = waiting
    self.isBehind = isBehind
  }

  public func encode(to writer: inout WireWriter) {
    writer.optional(shipped) { $0.uint64($1) }
    writer.uint64(waiting)
    writer.boolean(isBehind)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    shipped = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint64() }
    waiting = try reader.uint64()
    isBehind = try reader.boolean()
  }
}
