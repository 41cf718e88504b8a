import Audit

/// Which of a journal's files has the event that comes next. Decides only: names, and the number of each file's first
/// event, come from whoever has looked.
enum JournalPlan {
  /// A file of the journal.
  struct File: Equatable, Sendable {
    var name: JournalFileName
    /// The number of its first event; nil: it has none yet.
    var first: UInt64?

    init(_ name: JournalFileName, first: UInt64?) {
      self.name = name
      self.first = first
    }
  }

  /// What to do.
  enum Step: Equatable, Sendable {
    /// Read this one of the files. When its first event is not the next one, those between are gone.
    case read(index: Int)
    /// There is nothing new: wait until the directory changes.
    case wait
  }

  /// Where to go on after a file is read to its end, or at first.
  ///
  /// - Parameters:
  ///   - last: the number of the last event that was read; nil: none was ever.
  ///   - isFinished: that event was the last one of its file, which gets no more: what comes next is in another file.
  ///     Otherwise the file with this event itself is looked for.
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

  /// Of files, the one with the highest first event; of a file that is just being compressed, the plain one.
  private static func newest(_ found: [(index: Int, first: UInt64)], _ files: [File]) -> Int? {
    found.max { a, b in
      a.first == b.first ? files[a.index].name.isCompressed && !files[b.index].name.isCompressed : a.first < b.first
    }?.index
  }
}
