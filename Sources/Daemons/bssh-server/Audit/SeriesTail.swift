import Audit
import JournalReader

/// Returns new lines of a series of a journal, also after rotation, and in a new directory with the same path.
struct SeriesTail {
  private let path: String
  private var follower: JournalFollower
  private var cursor = Cursor()

  /// Starts after the last event of these files; nil: at the beginning.
  ///
  /// - Parameter journal: the path of the main series.
  init(_ series: JournalSeries, of journal: String, after files: JournalFiles?) throws(Failure) {
    path = series.path(of: journal)
    do throws(ReadError) { follower = JournalFollower(try JournalDirectory(path), series) } catch {
      throw Failure(error, path)
    }
    if let last = (files?.files ?? []).reversed().lazy.compactMap({ try? $0.lastEvent(of: series) }).first {
      cursor.advance(to: last.head, at: last.place)
    }
    follower.resume(at: cursor)
  }

  /// The lines that were added since the last call.
  mutating func more() throws(Failure) -> [JournalLine] {
    if let now = try? JournalDirectory(path), !now.isSame(as: follower.directory) {
      follower = JournalFollower(now, follower.series)
      follower.resume(at: cursor)
    }
    let complaints = Complaints()
    follower.passesOver = { (file, bytes) in
      do throws(JournalLineError) { _ = try JournalLine(json: bytes) } catch { complaints.add(file.path, error) }
    }
    // In a journal that was reset or replaced, only newer events are new.
    let known = cursor.last?.sequence ?? 0
    var lines: [JournalLine] = []
    do throws(ReadError) {
      while let events = try next() {
        for event in events where event.head.sequence > known {
          do throws(JournalLineError) { lines.append(try JournalLine(json: event.line)) } catch {
            complaints.add(path, error)
          }
        }
      }
    } catch {
      // The directory was removed, and may be created again.
      if !error.isMissingFile { throw Failure(error, path) }
    }
    for case .unreadable(let name, let error) in follower.takeFindings() {
      throw Failure(error, String(decoding: name.bytes(of: Array(path.utf8)), as: UTF8.self))
    }
    return lines
  }

  private mutating func next() throws(ReadError) -> [JournalEvent]? {
    let events = try follower.next(count: .max, bytes: 1 << 20)
    guard let last = events.last else { return nil }
    cursor.advance(to: last.head, at: last.place)
    return events
  }
}
