import Audit

/// Decides which file of a journal contains the next event. The caller provides the names and the number of each file's
/// first event.
enum JournalPlan {
  /// A file of the journal.
  struct File: Equatable, Sendable {
    var name: JournalFileName
    /// The number of its first event; nil if it has none yet.
    var first: UInt64?

    init(_ name: JournalFileName, first: UInt64?) {
      self.name = name
      self.first = first
    }
  }

  /// The next step.
  enum Step: Equatable, Sendable {
    /// Read this file. If its first event is not the next one, the events in between are missing.
    case read(index: Int)
    /// Nothing is new; wait until the directory changes.
    case wait
  }

  /// The step after a file has been read to its end, or at the beginning.
  ///
  /// - Parameters:
  ///   - last: the number of the last event that was read; nil if there is none.
  ///   - isFinished: true if the file with that event is complete and has been read to its end, so that the next event
  ///     is in another file. Otherwise the file that contains the event is searched.
  static func next(after last: UInt64?, isFinished: Bool, in files: [File]) -> Step {
    let found = files.indices.compactMap { index in files[index].first.map { (index: index, first: $0) } }
    guard let last else {
      return found.min { $0.first < $1.first }.map { .read(index: $0.index) } ?? .wait
    }
    if !isFinished, let holder = newest(found.filter { $0.first <= last }, files) {
      return .read(index: holder)
    }
    let later = found.filter { $0.first > last }
    guard let first = later.map(\.first).min(), let index = newest(later.filter { $0.first == first }, files) else {
      return .wait
    }
    return .read(index: index)
  }

  /// The file with the highest first event. If a file is being compressed, the plain one is preferred.
  private static func newest(_ found: [(index: Int, first: UInt64)], _ files: [File]) -> Int? {
    found.max { a, b in
      a.first == b.first ? files[a.index].name.isCompressed && !files[b.index].name.isCompressed : a.first < b.first
    }?.index
  }
}
