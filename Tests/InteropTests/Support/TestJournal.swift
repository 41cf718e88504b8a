import Audit
import Foundation
import System

/// A journal that a test writes, in a directory that is removed with it.
final class TestJournal {
  let directory: String
  /// The file that is written.
  var path: String { "\(directory)/audit.log" }
  /// The ids of all events, in order.
  private(set) var ids: [String] = []
  /// The sequence number of the next event.
  private(set) var next: UInt64 = 1
  private var previous = LineHash.none
  /// Milliseconds since 1970 of the next event; nil: now.
  var time: Int64?

  init() throws {
    // Exporters of tests run as root or as any user; below /tmp they can always read it.
    directory = NSTemporaryDirectory() + "bssh-export-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    _ = FileManager.default.createFile(atPath: path, contents: nil)
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// Appends events; `change` may set fields in addition to a user and a path.
  func append(_ count: Int, _ change: (inout AuditEvent) -> Void = { _ in }) throws {
    var bytes: [UInt8] = []
    for _ in 0..<count {
      var subject = Subject()
      subject.user = "anna"
      subject.clientAddress = "192.0.2.7"
      subject.sessionID = .random()
      var record = AuditRecord(.fileClose, .success, .sftp)
      record.path = Array("/home/anna/file \(next)".utf8)
      record.bytes = 12345
      let now = time.map { $0 * 1000 } ?? Int64(Date().timeIntervalSince1970 * 1_000_000)
      var event = AuditEvent(id: .random(), time: now, host: "server.example.org", subject: subject, record: record)
      change(&event)
      let line = JournalLine(event, sequence: next, previous: previous).json
      ids.append(event.id.description)
      previous = LineHash(of: line[...])
      next += 1
      bytes += line + [10]
    }
    try write(bytes)
  }

  /// Appends bytes unchanged.
  func write(_ bytes: [UInt8]) throws {
    try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o600).writeAll(bytes)
  }

  /// Rotates the file as the journal does, and keeps this many rotated files.
  func rotate(compress: Bool = true, keeping count: Int = 100) throws {
    let files = FileManager.default
    for age in stride(from: count, through: 1, by: -1) {
      for ending in ["", ".gz"] where files.fileExists(atPath: "\(path).\(age)\(ending)") {
        let old = "\(path).\(age)\(ending)"
        if age == count { try files.removeItem(atPath: old) } else { rename(old, "\(path).\(age + 1)\(ending)") }
      }
    }
    if count == 0 { try files.removeItem(atPath: path) } else { rename(path, "\(path).1") }
    _ = files.createFile(atPath: path, contents: nil)
    guard compress, count > 0 else { return }
    try succeed("sh", "-c", "gzip -c '\(path).1' > '\(path).compressing.1'")
    rename("\(path).compressing.1", "\(path).1.gz")
    unlink("\(path).1")
  }
}
