import Audit
import Glibc
import System
import Testing

@testable import FileTransfer

/// The journal's record of each file event.
@Suite struct FileEventRecordTests {
  private static func record(_ type: EventType, _ result: EventResult = .success, _ change: (inout AuditRecord) -> Void)
    -> AuditRecord
  {
    var record = AuditRecord(type, result)
    change(&record)
    return record
  }

  private static let (a, b) = (Array("/a".utf8), Array("/b".utf8))

  private static let table: [(FileEvent, AuditRecord)] = [
    (.opened(path: a, reading: true, writing: false), record(.fileOpenRead) { $0.path = a }),
    (.opened(path: a, reading: false, writing: true), record(.fileOpenWrite) { $0.path = a }),
    (
      .opened(path: a, reading: true, writing: true),
      record(.fileOpenWrite) { ($0.path, $0.details) = (a, "for reading, too") }
    ),
    (
      .read(path: a, offset: 5, bytes: 3),
      record(.fileRead) { ($0.path, $0.bytes, $0.bytesOut, $0.details) = (a, 3, 3, "at 5") }
    ),
    (
      .written(path: a, offset: 5, bytes: 3),
      record(.fileWrite) { ($0.path, $0.bytes, $0.bytesIn, $0.details) = (a, 3, 3, "at 5") }
    ),
    (
      .closed(path: a, bytesRead: 1, bytesWritten: 2, milliseconds: 3),
      record(.fileClose) { ($0.path, $0.bytes, $0.bytesIn, $0.bytesOut, $0.milliseconds) = (a, 3, 2, 1, 3) }
    ),
    (
      .uploaded(path: a, bytes: 7, milliseconds: 3, problem: nil),
      record(.fileUploaded) { ($0.path, $0.bytes, $0.bytesIn, $0.milliseconds) = (a, 7, 7, 3) }
    ),
    (
      .uploaded(path: a, bytes: 7, milliseconds: 3, problem: .brokenOff),
      record(.fileUploaded, .failure) {
        ($0.path, $0.bytes, $0.bytesIn, $0.milliseconds, $0.reason) = (a, 7, 7, 3, "broken_off")
      }
    ),
    (
      .uploaded(path: a, bytes: 7, milliseconds: 3, problem: .failed(.system(SystemError("write", code: ENOSPC)))),
      record(.fileUploaded, .failure) {
        ($0.path, $0.bytes, $0.bytesIn, $0.milliseconds, $0.reason) = (a, 7, 7, 3, "disk_full")
        $0.details = "write: No space left on device"
      }
    ),
    (
      .uploaded(path: a, bytes: 7, milliseconds: 3, problem: .failed(.denied(rule: "small"))),
      record(.fileUploaded, .failure) {
        ($0.path, $0.bytes, $0.bytesIn, $0.milliseconds, $0.reason) = (a, 7, 7, 3, "denied_by_rule")
        ($0.rule, $0.details) = ("small", "denied by small")
      }
    ),
    (
      .downloaded(path: a, bytes: 7, milliseconds: 3),
      record(.fileDownloaded) { ($0.path, $0.bytes, $0.bytesOut, $0.milliseconds) = (a, 7, 7, 3) }
    ),
    (.deleted(path: a, directory: false), record(.fileDeleted) { $0.path = a }),
    (.deleted(path: a, directory: true), record(.directoryDeleted) { $0.path = a }),
    (.renamed(from: a, to: b), record(.fileRenamed) { ($0.path, $0.destination) = (a, b) }),
    (.made(path: a), record(.directoryCreated) { $0.path = a }),
    (
      .linked(path: a, target: b, symbolic: true),
      record(.linkCreated) { ($0.path, $0.destination, $0.details) = (a, b, "symbolic link") }
    ),
    (
      .linked(path: a, target: b, symbolic: false),
      record(.linkCreated) { ($0.path, $0.destination, $0.details) = (a, b, "hard link") }
    ),
    (.listed(path: a, entries: 3), record(.directoryListed) { ($0.path, $0.details) = (a, "3 entries") }),
    (
      .attributesChanged(path: a, FileChange(size: 5, owner: FileOwner(user: 1, group: 2), permissions: 0o640)),
      record(.attributesChanged) { ($0.path, $0.details) = (a, "size 5, owner 1:2, mode 640") }
    ),
    (
      .denied(.rename, paths: [a, b], rule: "no music"),
      record(.transferDenied, .denied) {
        ($0.path, $0.destination, $0.rule, $0.details) = (a, b, "no music", "rename")
        $0.reason = "denied_by_rule"
      }
    ),
    (
      .refused(.upload, paths: [a], .readOnly),
      record(.transferDenied, .denied) { ($0.path, $0.details, $0.reason) = (a, "upload", "read_only") }
    ),
    (
      .refused(.download, paths: [a], .system(SystemError("open", code: EACCES))),
      record(.transferDenied, .denied) { ($0.path, $0.details, $0.reason) = (a, "download", "permission_denied") }
    ),
    (
      .forbidden(request: "mkdir"),
      record(.transferDenied, .denied) { ($0.details, $0.reason) = ("mkdir", "request_not_allowed") }
    ),
    (
      .violated("too long"),
      record(.suspiciousActivity, .error) { ($0.details, $0.reason) = ("too long", "protocol_violation") }
    ),
  ]

  @Test(arguments: table.indices) func `a file event becomes the expected record`(index: Int) {
    let (event, record) = Self.table[index]
    #expect(AuditRecord(event) == record)
    #expect(AuditRecord(event).type.isOfSession)
  }

  @Test func `an operation that a log rule allows is recorded`() {
    #expect(
      AuditRecord(allowed: .upload, [Self.a], rule: "watched")
        == Self.record(.transferAllowed) { ($0.path, $0.details, $0.rule) = (Self.a, "upload", "watched") })
  }

  @Test(.enabled(if: geteuid() == 0, "needs root: it mounts a file system"))
  func `an operation that the system forbids is recorded as refused`() throws {
    let directory = try TemporaryDirectory()
    try directory.make("d")
    try #require(mount("tmpfs", directory.path + "/d", "tmpfs", UInt(MS_RDONLY), "size=64k") == 0)
    defer { umount2(directory.path + "/d", Int32(2)) }
    let list = EventList()
    var client = try Client(in: directory, observer: list)
    #expect(try client.open("d/../d/a", 2 | 8).status == .permissionDenied)
    #expect(try client.set(14, Array("/d/e".utf8)) { _ in } == .permissionDenied)
    let refusals: [FileEvent] = [
      .refused(.upload, paths: [Array("/d/a".utf8)], .system(SystemError("open", code: EROFS))),
      .refused(.makeDirectory, paths: [Array("/d/e".utf8)], .system(SystemError("mkdir", code: EROFS))),
    ]
    #expect(list.events.map { AuditRecord($0) } == refusals.map { AuditRecord($0) })
    #expect(list.events.map { AuditRecord($0).reason } == ["read_only_file_system", "read_only_file_system"])
  }
}
