import Glibc
import System
import Testing
import Wire

@testable import FileTransfer

extension FileEvent {
  /// The event with a duration of zero.
  fileprivate var timeless: FileEvent {
    switch self {
    case .closed(let path, let read, let written, _):
      .closed(path: path, bytesRead: read, bytesWritten: written, milliseconds: 0)
    case .uploaded(let path, let bytes, _, let problem):
      .uploaded(path: path, bytes: bytes, milliseconds: 0, problem: problem)
    case .downloaded(let path, let bytes, _): .downloaded(path: path, bytes: bytes, milliseconds: 0)
    case .opened, .read, .written, .deleted, .renamed, .made, .linked, .listed, .attributesChanged, .denied, .refused,
      .forbidden, .violated:
      self
    }
  }
}

/// The events that an observer receives.
struct FileEventTests {
  let directory = try! TemporaryDirectory()
  let list = EventList()

  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// The events since the last call.
  private func heard() -> [FileEvent] {
    defer { list.events = [] }
    return list.events.map(\.timeless)
  }

  @Test func `every operation is observed exactly once`() throws {
    var client = try Client(in: directory, observer: list)
    #expect(try client.set(14, bytes("d")) { _ in } == .ok)
    #expect(heard() == [.made(path: bytes("/d"))])

    let written = try client.opened("d/a", 2 | 8)
    #expect(heard() == [.opened(path: bytes("/d/a"), reading: false, writing: true)])
    #expect(try client.write(written, 0, "12345") == .ok)
    #expect(try client.write(written, 5, "67") == .ok)
    #expect(heard() == [])
    #expect(try client.close(written) == .ok)
    #expect(
      heard() == [
        .closed(path: bytes("/d/a"), bytesRead: 0, bytesWritten: 7, milliseconds: 0),
        .uploaded(path: bytes("/d/a"), bytes: 7, milliseconds: 0, problem: nil),
      ])

    #expect(try client.text("d/a") == "1234567")
    #expect(
      heard() == [
        .opened(path: bytes("/d/a"), reading: true, writing: false),
        .closed(path: bytes("/d/a"), bytesRead: 7, bytesWritten: 0, milliseconds: 0),
        .downloaded(path: bytes("/d/a"), bytes: 7, milliseconds: 0),
      ])

    let set = FileChange(size: 5, permissions: 0o600)
    #expect(
      try client.set(9, bytes("d/a")) {
        $0.size = set.size
        $0.mode = set.permissions
      } == .ok)
    #expect(heard() == [.attributesChanged(path: bytes("/d/a"), set)])

    #expect(try client.ask(18, "d/a", "d/b").status == .ok)
    #expect(try client.ask(200, "posix-rename@openssh.com", "d/b", "d/a").status == .ok)
    #expect(
      heard() == [
        .renamed(from: bytes("/d/a"), to: bytes("/d/b")), .renamed(from: bytes("/d/b"), to: bytes("/d/a")),
      ])

    #expect(try client.ask(20, "a", "d/s").status == .ok)
    #expect(try client.ask(200, "hardlink@openssh.com", "d/a", "d/h").status == .ok)
    #expect(
      heard() == [
        .linked(path: bytes("/d/s"), target: bytes("a"), symbolic: true),
        .linked(path: bytes("/d/h"), target: bytes("/d/a"), symbolic: false),
      ])

    let listed = try client.ask(11, "d").string
    _ = try client.ask(12) { $0.string(listed) }
    #expect(try client.ask(12) { $0.string(listed) }.status == .endOfFile)
    #expect(heard() == [])
    #expect(try client.close(listed) == .ok)
    #expect(heard() == [.listed(path: bytes("/d"), entries: 5)])

    for name in ["s", "h", "a"] { #expect(try client.ask(13, "d/\(name)").status == .ok) }
    #expect(try client.ask(15, "d").status == .ok)
    #expect(
      heard() == ["s", "h", "a"].map { .deleted(path: bytes("/d/\($0)"), directory: false) }
        + [.deleted(path: bytes("/d"), directory: true)])
  }

  @Test func `failed and read-only requests are not observed`() throws {
    try directory.write("a", "1")
    try directory.make("d/e")
    var client = try Client(in: directory, observer: list)
    for path in ["a", "d", "missing"] {
      _ = try client.ask(17, path)
      _ = try client.ask(7, path)
      _ = try client.ask(16, path)
      _ = try client.ask(19, path)
    }
    #expect(try client.set(14, bytes("a")) { _ in } != .ok)
    #expect(try client.ask(13, "missing").status != .ok)
    #expect(try client.ask(15, "d").status != .ok)
    #expect(try client.ask(18, "a", "d").status != .ok)
    #expect(try client.ask(20, "x", "a").status != .ok)
    #expect(try client.ask(11, "a").type == 101)
    #expect(try client.open("missing", 1).type == 101)
    #expect(try client.set(9, bytes("missing")) { $0.mode = 0 } != .ok)
    #expect(heard() == [])
  }

  @Test func `reads and writes are observed on request`() throws {
    list.observesReadsAndWrites = true
    var client = try Client(in: directory, observer: list)
    let file = try client.opened("a", 1 | 2 | 8)
    _ = heard()
    #expect(try client.write(file, 5, "12345") == .ok)
    _ = try client.read(file, 0, 7)
    #expect(
      heard() == [
        .written(path: bytes("/a"), offset: 5, bytes: 5), .read(path: bytes("/a"), offset: 0, bytes: 7),
      ])
  }

  @Test func `a change in a read-only session is observed as refused`() throws {
    try directory.write("a", "1")
    try directory.make("d")
    var client = try Client(in: directory, readOnly: true, observer: list)
    let requests: [(FileOperation, [String], (inout Client) throws -> SFTPStatus?)] = [
      (.upload, ["/a"], { try $0.open("./d/../a", 2).status }), (.delete, ["/a"], { try $0.ask(13, "a").status }),
      (.delete, ["/d"], { try $0.ask(15, "/d").status }), (.rename, ["/a", "/b"], { try $0.ask(18, "a", "b").status }),
      (.makeDirectory, ["/e"], { try $0.set(14, Array("e".utf8)) { _ in } }),
      (.setStatus, ["/a"], { try $0.set(9, Array("a".utf8)) { $0.mode = 0 } }),
      (.makeLink, ["/l"], { try $0.ask(20, "x", "l").status }),
      (.makeLink, ["/a", "/h"], { try $0.ask(200, "hardlink@openssh.com", "a", "h").status }),
    ]
    for (operation, paths, request) in requests {
      #expect(try request(&client) == .permissionDenied, "\(operation)")
      #expect(heard() == [.refused(operation, paths: paths.map(bytes), .readOnly)])
    }
    let sink = try SCPConversation("scp -t /", root: directory.path, observer: list, readOnly: true)
    try sink.expect("\0")
    try sink.send("C0644 3 new\n")
    try sink.expectProblem("/new: Read-only file system")
    _ = try sink.finish()
    #expect(heard() == [.refused(.upload, paths: [bytes("/new")], .readOnly)])
  }

  @Test func `a forbidden request is observed by its name`() throws {
    var options = SFTPServer.Options()
    options.deniedRequests = ["mkdir"]
    var client = try Client(in: directory, observer: list, options)
    #expect(try client.set(14, bytes("d")) { _ in } == .permissionDenied)
    #expect(heard() == [.forbidden(request: "mkdir")])
  }

  @Test func `a denial is observed with its rule, and nothing else is`() throws {
    try directory.write("a", "1")
    for operation in FileOperation.allCases {
      var client = try Client(
        in: directory, gate: RefusingGate(operation: operation, prefix: "/"), observer: list)
      let status: SFTPStatus? =
        switch operation {
        case .download: try client.open("a", 1).status
        case .upload: try client.open("a", 2).status
        case .delete: try client.ask(13, "a").status
        case .rename: try client.ask(18, "a", "b").status
        case .makeDirectory: try client.set(14, bytes("d")) { _ in }
        case .list: try client.ask(11, "/").status
        case .status: try client.ask(17, "a").status
        case .setStatus: try client.set(9, bytes("a")) { $0.mode = 0 }
        case .makeLink: try client.ask(20, "x", "a").status
        case .readLink:
          try { () throws in
            try directory.link("l", to: "a")
            return try client.ask(19, "l").status
          }()
        }
      #expect(status == .permissionDenied, "\(operation)")
      let paths =
        switch operation {
        case .rename: ["/a", "/b"]
        case .makeDirectory: ["/d"]
        case .list: ["/"]
        case .readLink: ["/l"]
        case .download, .upload, .delete, .status, .setStatus, .makeLink: ["/a"]
        }
      #expect(heard() == [.denied(operation, paths: paths.map(bytes), rule: "test")])
    }
    #expect(try directory.read("a") == "1")
  }

  @Test func `files left open by the client are closed, and its uploads count as broken off`() throws {
    try directory.write("a", "123")
    do {
      var client = try Client(in: directory, observer: list)
      let (from, to) = (try client.opened("a", 1), try client.opened("b", 2 | 8))
      _ = try client.read(from, 0, 2)
      #expect(try client.write(to, 0, "12345") == .ok)
      _ = try client.ask(11, "/")
      _ = heard()
    }
    let events = heard()
    #expect(events.count == 5)
    #expect(events.contains(.closed(path: bytes("/a"), bytesRead: 2, bytesWritten: 0, milliseconds: 0)))
    #expect(events.contains(.downloaded(path: bytes("/a"), bytes: 2, milliseconds: 0)))
    #expect(events.contains(.closed(path: bytes("/b"), bytesRead: 0, bytesWritten: 5, milliseconds: 0)))
    #expect(events.contains(.uploaded(path: bytes("/b"), bytes: 5, milliseconds: 0, problem: .brokenOff)))
    #expect(events.contains(.listed(path: bytes("/"), entries: 0)))
  }

  @Test func `SCP is observed like SFTP`() throws {
    let sink = try SCPConversation("scp -rp -t /", root: directory.path, observer: list)
    try sink.expect("\0")
    for line in ["D0755 0 d\n", "C0600 3 a\n", "abc\0", "E\n"] {
      try sink.send(line)
      try sink.expect("\0")
    }
    #expect(try sink.finish() == 0)
    let made = heard()
    #expect(made.contains(.made(path: bytes("/d"))))
    #expect(made.filter { $0 == .uploaded(path: bytes("/d/a"), bytes: 3, milliseconds: 0, problem: nil) }.count == 1)
    let source = try SCPConversation("scp -r -f /d", root: directory.path, observer: list)
    try source.send([UInt8](repeating: 0, count: 100))
    _ = try source.read(1 << 20)
    #expect(try source.finish() == 0)
    let read = heard()
    #expect(read.filter { $0 == .downloaded(path: bytes("/d/a"), bytes: 3, milliseconds: 0) }.count == 1)
    #expect(read.filter { if case .listed(_, 3) = $0 { true } else { false } }.count == 1)
  }
}
