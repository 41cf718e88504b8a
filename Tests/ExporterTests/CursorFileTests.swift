import Audit
import Foundation
import Glibc
import JournalReader
import System
import Testing

@testable import Exporter

@Suite struct CursorFileTests {
  @Test func `a cursor is replaced atomically and readable only by its owner`() throws {
    let folder = NSTemporaryDirectory() + "bssh-cursor-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let directory = try Descriptor.openDirectory(folder)
    let file = try CursorFile(in: directory, journal: folder + "/audit.log", exporter: "logstash host:5044")
    let again = try CursorFile(in: directory, journal: folder + "/audit.log", exporter: "logstash host:5044")
    #expect(try file.read().cursor == nil && !file.read().isDamaged)
    var cursor = Cursor()
    for sequence: UInt64 in 1...3 {
      cursor.advance(to: LineHead(sequence: sequence, id: .random()), at: nil)
      try file.write(cursor)
      // The file names its exporter itself.
      cursor.receiver = "logstash host:5044"
      #expect(try again.read().cursor == cursor)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/cursors")
    #expect(names.count == 1)
    let path = folder + "/cursors/" + names[0]
    #expect(try Descriptor.open(path, O_RDONLY).status().permissions == 0o600)
    #expect(try Descriptor.findDirectory(folder + "/cursors").status().permissions == 0o700)
    // A file left by a crash does not interfere.
    _ = FileManager.default.createFile(atPath: path + ".new", contents: Data([1]))
    try file.write(cursor)
    truncate(path, 20)
    #expect(try file.read().cursor == nil && file.read().isDamaged)
    let other = try CursorFile(in: directory, journal: folder + "/other.log", exporter: "logstash host:5044")
    #expect(try other.read().cursor == nil && !other.read().isDamaged)
  }
}
