import Audit
import Foundation
import Gzip
import IPC
import System
import Testing

@testable import Journal

/// A directory for one journal, removed on release.
final class Place {
  let directory: String
  private let name: String
  var path: String { "\(directory)/\(name)" }

  /// The series of file events of a journal in the same directory.
  init(filesOf place: Place) {
    directory = place.directory
    name = "audit-files.log"
  }

  init() throws {
    name = "audit.log"
    directory =
      FileManager.default.temporaryDirectory.appending(path: "bssh-journal-\(UUID().uuidString)")
      .path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  deinit { if name == "audit.log" { try? FileManager.default.removeItem(atPath: directory) } }

  func settings(
    maxSize: UInt64 = 1 << 30, maxBackups: UInt32 = 5, compress: Bool = false,
    sync: JournalSettings.Sync = .never,
    mode: UInt32 = 0o600
  ) -> JournalSettings {
    JournalSettings(
      path: path, mode: mode, maxSize: maxSize, maxBackups: maxBackups, compress: compress,
      sync: sync,
      flushInterval: 1)
  }

  func folder(mode: UInt32) throws -> JournalFolder {
    try JournalFolder(Descriptor.openDirectory(directory), path: path, mode: mode)
  }

  func writer(_ settings: JournalSettings? = nil) throws -> JournalWriter {
    let settings = settings ?? self.settings()
    return try JournalWriter(folder(mode: settings.mode), settings)
  }

  func bytes(_ name: String? = nil) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: "\(directory)/\(name ?? self.name)")))
  }

  func write(_ bytes: [UInt8], to name: String = "audit.log") throws {
    try Data(bytes).write(to: URL(filePath: "\(directory)/\(name)"))
  }

  /// The names in the directory.
  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: directory).sorted() }
  }

  var head: ChainHead? { (try? bytes(name + ".head")).flatMap { ChainHead(json: $0[...]) } }

  /// The lines of all files, oldest first, and what follows the last newline.
  func lines() throws -> (lines: [[UInt8]], rest: [UInt8]) {
    var all: [UInt8] = []
    for backup in try folder(mode: 0o600).backups().reversed() {
      let name = String(decoding: backup.bytes(of: Array(name.utf8)), as: UTF8.self)
      var content = try bytes(name)
      if backup.isCompressed {
        let reader = try GzipReader()
        reader.add(content[...])
        content = []
        while true {
          let part = try reader.next(limit: 1 << 20)
          if part.isEmpty { break }
          content += part
        }
        #expect(reader.isWhole)
      }
      all += content
    }
    all += try bytes()
    var lines = all.split(separator: 0x0a, omittingEmptySubsequences: false).map { Array($0) }
    let rest = lines.removeLast()
    return (lines, rest)
  }

  /// The first problem of the whole chain; nil if it is intact.
  func problem() throws -> Chain<Int>.Finding? {
    var chain = Chain<Int>(head: head)
    let (lines, rest) = try lines()
    for (index, line) in lines.enumerated() {
      if let problem = chain.add(line[...], at: index) { return problem }
    }
    return chain.finish(rest: rest.isEmpty ? nil : lines.count)
  }

  /// The paths in the events of all files, as ``event(_:)`` numbers them.
  func written() throws -> [Int] {
    try lines().lines.map {
      Int(String(decoding: try JournalLine(json: $0[...]).event.record.path ?? [], as: UTF8.self))
        ?? -1
    }
  }
}

/// An event with `number` as its path.
func event(_ number: Int, _ type: EventType = .commandExecuted, details: String? = nil) -> AuditEvent {
  var record = AuditRecord(type, .success, .sftp)
  record.path = Array("\(number)".utf8)
  record.details = details
  return AuditEvent(
    id: EventID(high: UInt64(number), low: 1), time: 0, host: "h", subject: Subject(), record: record)
}

extension JournalWriter {
  /// Writes events with these numbers, each in its own batch.
  func write(_ numbers: some Sequence<Int>) throws {
    for number in numbers { try append([event(number)], isRepeated: false) }
  }
}
