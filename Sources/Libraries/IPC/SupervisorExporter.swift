import Audit
import Wire

/// Messages from an exporter to the supervisor. The supervisor sends none: an exporter gets its settings at the start,
/// and exits when its descriptor 3, a socket, is closed.
public enum ExporterToSupervisor: WireMessage, Equatable {
  /// The progress; sent when it changes, at most every few seconds.
  case progress(ExporterProgress)
  /// A line for the log.
  case log(isProblem: Bool, text: String)
  /// `count` events will never reach the receiver; the first has the number `first` in its series.
  case lost(JournalSeries, first: UInt64, count: UInt64, reason: ExportLoss)

  public static let blanks: [Self] = [
    .progress(.blank), .log(isProblem: false, text: ""), .lost(.main, first: 0, count: 0, reason: .refused),
  ]

  public var wireKind: Int {
    switch self {
    case .progress: 1
    case .log: 2
    case .lost: 3
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .progress(let progress): self = try .progress(coder.value(progress))
    case .log(let isProblem, let text):
      self = try .log(isProblem: coder.flag(isProblem), text: coder.text(text, max: 2048))
    case .lost(let series, let first, let count, let reason):
      self = try .lost(
        coder.choice(series), first: coder.number(first), count: coder.number(count), reason: coder.choice(reason))
    }
  }
}

/// The progress of an exporter.
public struct ExporterProgress: WireFields, Equatable {
  /// The number of the last event of the main series that the receiver has acknowledged; nil: none yet.
  public var shipped: UInt64?
  /// The number of events of all series that it has not acknowledged.
  public var waiting: UInt64
  /// True from when the exporter falls behind until it has caught up.
  public var isBehind: Bool

  public init(shipped: UInt64?, waiting: UInt64, isBehind: Bool) {
    self.shipped = shipped
    self.waiting = waiting
    self.isBehind = isBehind
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    shipped = try coder.number(value?.shipped)
    waiting = try coder.number(value?.waiting)
    isBehind = try coder.flag(value?.isBehind)
  }
}
