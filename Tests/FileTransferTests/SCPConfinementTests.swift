import Foundation
import Glibc
import System
import Testing

@testable import FileTransfer

/// A link that another process swaps during an SCP transfer does not lead out.
struct SCPConfinementTests {
  /// `inside` is the root; the secret is in `outside`.
  let scratch = try! ScratchDirectory()

  init() throws {
    try scratch.write("inside/d/plain", "plain")
    try scratch.write("inside/d/o/deep", "plain")
    try scratch.write("outside/plain", "secret")
    try scratch.write("outside/o/deep", "secret")
    chmod(scratch.path + "/outside/plain", 0o640)
    chmod(scratch.path + "/outside/o", 0o750)
    try scratch.link("inside/swap", to: scratch.path + "/outside")
  }

  private func swapping(_ body: () throws -> Void) rethrows {
    let swapper = Swapper(scratch.path + "/inside/swap", scratch.path + "/inside/d")
    defer { swapper.stop() }
    try body()
  }

  private func expectNothingChangedOutside() {
    #expect(scratch.names("outside") == ["o", "plain"] && scratch.names("outside/o") == ["deep"])
    #expect(scratch.text("outside/plain") == "secret" && scratch.text("outside/o/deep") == "secret")
    #expect(scratch.mode("outside/plain") == "640" && scratch.mode("outside/o") == "750")
  }

  private func fetch(_ command: String, root: String?, gate: any TransferGate = OpenGate()) throws -> String {
    let client = try SCPConversation(command, root: root, gate: gate)
    try client.send([UInt8](repeating: 0, count: 100))
    let sent = try client.read(1 << 20)
    _ = try client.finish()
    return String(decoding: sent, as: UTF8.self)
  }

  @Test func `sources below a root send only files of the root`() throws {
    var found = 0
    try swapping {
      for _ in 0..<400 {
        for command in ["scp -f d/plain", "scp -r -f d", "scp -f d/*", "scp -p -f */o/deep"] {
          let sent = try fetch(command, root: scratch.path + "/inside")
          try #require(!sent.contains("secret"), "\(command)")
          found += sent.contains("plain\0") ? 1 : 0
        }
      }
    }
    #expect(found > 0)
  }

  @Test func `sinks below a root write nothing outside it`() throws {
    var made = 0
    try swapping {
      for turn in 0..<400 {
        let sink = try SCPConversation("scp -rp -t \(turn % 2 == 0 ? "d" : "/")", root: scratch.path + "/inside")
        _ = try sink.read(1)
        // A line is answered with a zero byte if accepted, else with a message.
        for line in [
          "T1 0 1 0\n", turn % 2 == 0 ? "D0777 0 o\n" : "D0777 0 d\n", "C0666 3 plain\n", "new\0", "T1 0 1 0\n",
          "C0666 3 deep\n", "new\0", "E\n",
        ] {
          do { try sink.send(line) } catch { break }
          let answer = try sink.read(1)
          if answer != [0] {
            if !answer.isEmpty { try sink.skipLine() }
            break
          }
          made += line.hasPrefix("new") ? 1 : 0
        }
        sink.sendNoMore()
        _ = try sink.read(1 << 16)
        _ = try sink.finish()
      }
    }
    #expect(made > 0)
    expectNothingChangedOutside()
  }

  /// Without a root only rules set limits: they judge the file that was opened, not its name.
  @Test func `rules judge the target of a link, whenever it is swapped`() throws {
    var found = 0
    try swapping {
      for _ in 0..<400 {
        let gate = RefusingGate(operation: .download, prefix: scratch.path + "/outside")
        let sent = try fetch("scp -f \(scratch.path)/inside/d/plain", root: nil, gate: gate)
        try #require(!sent.contains("secret"))
        found += sent.contains("plain\0") ? 1 : 0
        let sink = try SCPConversation(
          "scp -t \(scratch.path)/inside/d/plain", root: nil,
          gate: RefusingGate(operation: .upload, prefix: scratch.path + "/outside"))
        try sink.expect("\0")
        try sink.send("C0666 5 plain\n")
        if try sink.read(1) == [0] {
          try sink.send("plain\0")
          _ = try sink.read(1)
        }
        sink.sendNoMore()
        _ = try sink.read(1 << 16)
        _ = try sink.finish()
      }
    }
    #expect(found > 0)
    expectNothingChangedOutside()
  }
}
