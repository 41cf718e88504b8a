import Foundation
import System
import Testing
import Wire

@testable import FileTransfer

/// The built bssh-transfer as a standalone SFTP server, as sshd and sftp(1) start theirs.
struct SFTPCommandTests {
  let directory = try! TemporaryDirectory()

  private struct Outcome {
    var replies: [Reply]
    var output: [UInt8]
    var errors: String
    var code: Int32
  }

  /// Runs it with INIT and these requests; returns the replies without that to INIT.
  private func run(_ arguments: [String], _ requests: [[UInt8]] = []) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try ProcessEnvironment.executableFolder() + "/bssh-transfer")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
    SignalSource.ignoreBrokenPipes()
    try process.run()
    try? input.fileHandleForWriting.write(contentsOf: Data([0, 0, 0, 5, 1, 0, 0, 0, 3] + requests.joined()))
    try input.fileHandleForWriting.close()
    let bytes = Array(output.fileHandleForReading.readDataToEndOfFile())
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    var replies: [Reply] = []
    var reader = WireReader(bytes)
    while !reader.isAtEnd, var packet = (try? reader.string()).map({ WireReader($0) }) {
      replies.append(Reply(type: try packet.byte(), id: try packet.uint32(), body: Array(packet.rest)))
    }
    return Outcome(
      replies: Array(replies.dropFirst()), output: bytes, errors: text, code: process.terminationStatus)
  }

  private func makeDirectory(_ name: String, id: UInt32 = 1) -> [UInt8] {
    Client.packet(14, id) {
      $0.text(name)
      $0.uint32(0)
    }
  }

  @Test(arguments: [[], ["sftp"]]) func `without settings it serves all files that its user can see`(
    words: [String]
  ) throws {
    let outcome = try run(words, [makeDirectory("d"), Client.packet(16, 2) { $0.text("/etc/../tmp") }])
    #expect(outcome.code == 0 && outcome.errors == "")
    #expect(outcome.replies.first?.status == .ok && directory.exists("d"))
    #expect(outcome.replies.last?.names.first?.name == "/tmp")
  }

  @Test func `-Q lists the names of requests that -p and -P accept`() throws {
    let outcome = try run(["sftp", "-Q", "requests"])
    let names = String(decoding: outcome.output, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(outcome.code == 0 && names.count == 31 && Set(names).isSuperset(of: ["open", "copy-data", "posix-rename"]))
    for name in names { #expect(throws: Never.self) { try SFTPArguments(["-p", name, "-P", name]) } }
  }

  @Test(arguments: [
    (["-R"], 3), (["-P", "mkdir"], 3), (["-p", "stat"], 3), (["-p", "mkdir"], 0), (["-P", "stat"], 0),
  ])
  func `-R, -p and -P restrict requests`(words: [String], status: Int) throws {
    let outcome = try run(["sftp"] + words, [makeDirectory("d")])
    #expect(outcome.replies.first?.status?.rawValue == UInt32(status))
    #expect(directory.exists("d") == (status == 0))
  }

  @Test func `-d sets the start of relative paths and -u the umask`() throws {
    try directory.make("start")
    let outcome = try run(["sftp", "-d", directory.path + "/start", "-u", "077"], [makeDirectory("d")])
    #expect(outcome.replies.first?.status == .ok)
    #expect(try directory.status("start/d").st_mode & 0o777 == 0o700)
    let home = try #require(getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) })
    let user = try #require(getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) })
    try directory.make("100%/\(user)")
    for (pattern, place) in [("%d", home), (directory.path + "/100%%/%u", directory.path + "/100%/\(user)")] {
      let asked = try run(["sftp", "-d", pattern], [Client.packet(16, 1) { $0.text(".") }])
      #expect(asked.replies.first?.names.first?.name == place)
    }
  }

  @Test func `-e logs to standard error at the level of -l`() throws {
    let logged = try run(["sftp", "-e", "-l", "INFO"], [makeDirectory("d")])
    #expect(logged.errors.contains("make directory \"\(directory.path)/d\""))
    let quiet = try run(["sftp", "-e", "-l", "QUIET"], [makeDirectory("e"), [0xff, 0xff, 0xff, 0xff]])
    #expect(quiet.errors == "" && quiet.code != 0 && directory.exists("e"))
    let error = try run(["sftp", "-e"], [makeDirectory("f"), [0xff, 0xff, 0xff, 0xff]])
    #expect(error.errors.contains("the client breaks the protocol") && !error.errors.contains("make directory"))
  }

  @Test func `--root is the client's root`() throws {
    try directory.make("root")
    let outcome = try run(
      ["sftp", "--root", directory.path + "/root"], [makeDirectory("/d"), Client.packet(17, 2) { $0.text("/etc") }])
    #expect(outcome.replies.map(\.status) == [.ok, .noSuchFile] && directory.exists("root/d"))
    let missing = try run(["sftp", "--root", directory.path + "/missing"])
    #expect(missing.code != 0 && missing.errors.contains("No such file or directory"))
  }

  @Test func `an unknown option is a usage error`() throws {
    let outcome = try run(["sftp", "--no-such-option"])
    #expect(outcome.code == ExitCode.usage.rawValue && outcome.errors.hasPrefix("usage: bssh-transfer sftp"))
  }
}
