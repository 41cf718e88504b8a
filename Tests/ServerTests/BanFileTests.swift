import AccessControl
import Foundation
import IPC
import System
import Testing
import Wire

@testable import Server

/// `security.ban_state_file`, and the program that writes it.
@Suite struct BanFileTests {
  private static let now: Int64 = 1_795_290_605_123

  private func source(_ text: String) throws -> ClientSource { ClientSource(try #require(IPAddress(text))) }

  @Test func `a file contains the source and end of each ban, and the last line their number`() throws {
    let bans = [
      Ban(source: try source("192.0.2.1"), end: 300_000, count: 1),
      Ban(source: try source("2001:db8::5"), end: -605_123, count: 12),
    ]
    let text = BanFile.text(bans, at: Self.now)
    #expect(
      text.split(separator: "\n").dropFirst().map(String.init) == [
        "192.0.2.1 1795290905.123 1", "2001:db8::/64 1795290000.000 12", "end 2",
      ])
    #expect(try BanFile.parse(Array(text.utf8), at: Self.now) == bans)
  }

  @Test func `a ban ends at the same time, whenever the file is read`() throws {
    let ban = Ban(source: try source("192.0.2.1"), end: 5000, count: 3)
    let text = Array(BanFile.text([ban], at: Self.now).utf8)
    for later in [0, 1, 4999, 5000, 86_400_000] as [Int64] {
      let read = try BanFile.parse(text, at: Self.now + later)
      #expect(read.map(\.end) == [5000 - later])
    }
    // The clock was set back: the supervisor limits bans that are too long.
    #expect(try BanFile.parse(text, at: Self.now - 10_000).map(\.end) == [15_000])
  }

  @Test func `the maximum number of bans is written and read`() throws {
    let bans = (0..<SourceTable.capacity).map { number in
      Ban(
        source: ClientSource(
          IPAddress(bytes: [10, UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255)])!),
        end: Int64(number) * 1000, count: number + 1)
    }
    let text = BanFile.text(bans, at: Self.now)
    #expect(text.utf8.count < BanFile.sizeLimit)
    #expect(try BanFile.parse(Array(text.utf8), at: Self.now) == bans)
    let list = BanList(bans)
    #expect(list.wireBytes.count <= BanList.sizeLimit)
    #expect(try BanList(wireBytes: list.wireBytes[...]) == list)
    let more = text.replacingOccurrences(of: "end ", with: "192.0.2.1 1.000 1\nend 1")
    #expect(throws: BanFile.Damage.self) { try BanFile.parse(Array(more.utf8), at: Self.now) }
  }

  @Test(arguments: [
    ("", 1, "the last line is missing"), ("192.0.2.1 1.000 1\n", 2, "the last line is missing"),
    ("192.0.2.1 1.000 1\nend 2\n", 2, "there are 1 bans, not 2"),
    ("end 0\n192.0.2.1 1.000 1\n", 2, "data follows the last line"), ("end 0\nend 0\n", 2, "data follows"),
    ("192.0.2.1 1.000\nend 1\n", 1, "not a ban"), ("192.0.2.0/24 1.000 1\nend 1\n", 1, "not a ban"),
    ("2001:db8::/32 1.000 1\nend 1\n", 1, "not a ban"), ("host 1.000 1\nend 1\n", 1, "not a ban"),
    ("192.0.2.1 1 1\nend 1\n", 1, "not a ban"), ("192.0.2.1 -1.000 1\nend 1\n", 1, "not a ban"),
    ("192.0.2.1 1.0000 1\nend 1\n", 1, "not a ban"), ("192.0.2.1 1.000 0\nend 1\n", 1, "not a ban"),
    ("192.0.2.1 1.000 -1\nend 1\n", 1, "not a ban"), ("192.0.2.1 1.000 99999999999\nend 1\n", 1, "not a ban"),
    ("192.0.2.1 9999999999999999.000 1\nend 1\n", 1, "not a ban"), ("\0\u{1}\u{2}", 1, "not a ban"),
    ("end -1\n", 1, "there are 0 bans"), ("end\n", 1, "not a ban"),
  ])
  func `a damaged file is not used at all, and the line is named`(text: String, line: Int, reason: String) {
    let damage = #expect(throws: BanFile.Damage.self) { try BanFile.parse(Array(text.utf8), at: Self.now) }
    #expect(damage?.line == line)
    #expect(damage?.reason.contains(reason) == true, "\(damage?.reason ?? "")")
  }

  @Test func `no part of a truncated file is used`() throws {
    let bans = (1...20).map { Ban(source: ClientSource(IPAddress(bytes: [192, 0, 2, $0])!), end: 1000, count: 1) }
    let text = Array(BanFile.text(bans, at: Self.now).utf8)
    for length in 0..<text.count - 1 {
      // Without its last byte, the final newline, nothing is missing.
      #expect(throws: BanFile.Damage.self) { try BanFile.parse(Array(text.prefix(length)), at: Self.now) }
    }
  }

  @Test func `a single IPv6 address, as an administrator may write it, is its source`() throws {
    let bans = try BanFile.parse(Array("2001:db8::7 1795290605.123 1\nend 1\n".utf8), at: Self.now)
    #expect(bans == [Ban(source: try source("2001:db8::9"), end: 0, count: 1)])
  }

  // MARK: The disk

  @Test func `the file is replaced atomically, only its owner can read it, and its folder is created`() throws {
    let folder = try Folder()
    let path = folder.file("state") + "/bans"
    let ban = Ban(source: try source("192.0.2.1"), end: 60_000, count: 1)
    // Left over from a daemon that ended while it wrote.
    try FileManager.default.createDirectory(atPath: folder.file("state"), withIntermediateDirectories: false)
    try folder.write("state/bans.new", "half")
    for bans in [[ban], [], [ban]] {
      try BanFile.write(bans, to: path)
      guard case .bans(let read) = BanFile.read(path) else {
        Issue.record("the file is not used")
        return
      }
      #expect(read.map(\.source) == bans.map(\.source))
      #expect(read.allSatisfy { (0...60_000).contains($0.end) && $0.end > 30_000 })
    }
    #expect(folder.mode("state/bans") == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("state")) == ["bans"])
    try FileManager.default.removeItem(atPath: folder.file("state"))
    try BanFile.write([ban], to: path)
    #expect(folder.mode("state") == 0o700)
    // Its parents as well, as for a user whose state directory does not exist yet.
    try BanFile.write([ban], to: folder.file("none") + "/none/bans")
    #expect(folder.mode("none") == 0o755 && folder.mode("none/none") == 0o700)
  }

  @Test func `a file that others can write is not used, and a missing one contains no bans`() throws {
    let folder = try Folder()
    let path = folder.file("bans")
    guard case .none = BanFile.read(path), case .none = BanFile.read(folder.file("no") + "/bans") else {
      Issue.record("there is no file")
      return
    }
    try folder.write("bans", "end 0\n", mode: 0o620)
    guard case .unusable(nil, let distrust) = BanFile.read(path) else {
      Issue.record("others can have written it")
      return
    }
    #expect(distrust.hasPrefix("others can have written it: '\(path)' can be written by others (mode 620)"))
    try folder.write("bans", "end 1\n")
    guard case .unusable(1, let reason) = BanFile.read(path) else {
      Issue.record("it is damaged")
      return
    }
    #expect(reason == "damaged: there are 0 bans, not 1")
    try folder.write("bans", String(repeating: "#", count: BanFile.sizeLimit + 1))
    guard case .unusable(nil, _) = BanFile.read(path) else {
      Issue.record("it is too long")
      return
    }
  }

  /// Runs `save-bans` as bssh-supervisor does; returns its exit status and what it reports.
  private func save(_ bans: [UInt8], to path: String) throws -> (code: Int32?, reason: String?) {
    let (ours, theirs) = try MessageSocket.supervised()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    var request = ChildProcess.Request(
      path: program, arguments: ["bssh-server", "save-bans", path],
      descriptors: [null, null, null] + theirs + [try Descriptor.sealedMessage(name: "bans", bans)])
    request.environment = ["PATH=/usr/bin:/bin"]
    let child = try ChildProcess(request)
    child.descriptor.wait(for: POLLIN, milliseconds: 30_000)
    var reason: String?
    if case .message(let bytes, _) = try ours.receive(),
      case .rejected(let lines) = try LoaderResult(wireBytes: bytes[...])
    {
      reason = lines.first
    }
    guard case .code(let code)? = child.reap() else { return (nil, reason) }
    return (code, reason)
  }

  @Test func `save-bans writes what it is given, and reports why it cannot`() throws {
    let folder = try Folder()
    let list = BanList([Ban(source: try source("192.0.2.1"), end: 1000, count: 1)])
    let saved = try save(list.wireBytes, to: folder.file("bans"))
    #expect(saved.code == 0 && saved.reason == nil)
    guard case .bans(let bans) = BanFile.read(folder.file("bans")) else {
      Issue.record("nothing was written")
      return
    }
    #expect(bans.count == 1)
    let failed = try save(list.wireBytes, to: "/proc/no/bans")
    #expect(failed.code == 73)
    #expect(failed.reason?.hasPrefix("/proc/no/bans: ") == true)
    #expect(try save([1, 2, 3], to: folder.file("bans")).code == 73)
    // The previous file is unchanged.
    guard case .bans = BanFile.read(folder.file("bans")) else {
      Issue.record("the file was lost")
      return
    }
  }
}
