import Audit
import Foundation
import IPC
import System
import Testing

@testable import Journal

/// A full file system: a small tmpfs, which only root can mount.
@Suite(.enabled(if: geteuid() == 0, "only root can mount a file system")) struct FullDiskTests {
  private func run(_ command: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test func `a full file system refuses a batch as a whole and accepts it once there is room`() throws {
    let place = try Place()
    try #require(try run("mount", "-t", "tmpfs", "-o", "size=256k", "none", place.directory) == 0)
    defer { _ = try? run("umount", "-l", place.directory) }
    let writer = try place.writer()
    try writer.write(0..<3)
    try place.write([UInt8](repeating: 0, count: 200 << 10), to: "filler")
    let text = String(repeating: "x", count: 3000)
    var next = 3
    var failure: SystemError?
    while failure == nil, next < 1000 {
      do {
        try writer.append((next..<next + 7).map { event($0, details: text) }, isRepeated: false)
        next += 7
      } catch { failure = error }
    }
    #expect(failure?.code == ENOSPC)
    // Nothing of the refused batch is in the journal, and the chain is intact.
    #expect(try place.written() == Array(0..<next))
    #expect(try place.problem() == nil)
    #expect(throws: SystemError.self) {
      try writer.append((next..<next + 7).map { event($0, details: text) }, isRepeated: true)
    }
    try FileManager.default.removeItem(atPath: "\(place.directory)/filler")
    try writer.append((next..<next + 7).map { event($0, details: text) }, isRepeated: true)
    #expect(try place.written() == Array(0..<next + 7))
    #expect(try place.problem() == nil)
    #expect(writer.takeFindings() == nil)
  }
}
