import Foundation
import Gzip
import Testing

@Suite struct GzipTests {
  private func compressed(_ bytes: [UInt8], pieces: Int) throws -> [UInt8] {
    let writer = try GzipWriter()
    var result: [UInt8] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      result += writer.add(rest.prefix(pieces))
      rest = rest.dropFirst(pieces)
    }
    return result + writer.finish()
  }

  private func decompressed(_ bytes: [UInt8], pieces: Int, limit: Int) throws -> [UInt8] {
    let reader = try GzipReader()
    var result: [UInt8] = []
    var rest = bytes[...]
    repeat {
      reader.add(rest.prefix(pieces))
      rest = rest.dropFirst(pieces)
      while true {
        let part = try reader.next(limit: limit)
        if part.isEmpty { break }
        #expect(part.count <= limit)
        result += part
      }
    } while !rest.isEmpty
    #expect(reader.isWhole)
    return result
  }

  private static let texts: [[UInt8]] = [
    [], [7], Array("a line\n".utf8), [UInt8](repeating: 0, count: 300_000),
    (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) },
  ]

  @Test(arguments: texts) func `decompression restores the input for every piece size`(text: [UInt8]) throws {
    for pieces in [1, 1000, 1 << 20] where pieces > 1 || text.count < 1000 {
      let file = try compressed(text, pieces: pieces)
      for limit in [1, 100, 64 << 10] where limit > 1 || text.count < 1000 {
        #expect(try decompressed(file, pieces: max(pieces, 3), limit: limit) == text)
      }
    }
  }

  @Test func `gzip(1) reads our files, and we read those of gzip(1)`() throws {
    func gzip(_ arguments: [String], _ input: [UInt8]) throws -> [UInt8] {
      let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      try Data(input).write(to: folder.appending(path: "in"))
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = ["-c", "gzip \(arguments.joined(separator: " ")) <in >out"]
      process.currentDirectoryURL = folder
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      return Array(try Data(contentsOf: folder.appending(path: "out")))
    }
    for text in Self.texts {
      #expect(try gzip(["-dc"], compressed(text, pieces: 5000)) == text)
      #expect(try decompressed(gzip(["-c"], text), pieces: 700, limit: 1000) == text)
    }
  }

  @Test func `concatenated gzip files are read as one`() throws {
    let file = try compressed([1, 2], pieces: 9) + compressed([3], pieces: 9)
    for pieces in [1, 2, 25, 1000] { #expect(try decompressed(file, pieces: pieces, limit: 10) == [1, 2, 3]) }
  }

  @Test func `a truncated file is not whole, and a damaged file is rejected`() throws {
    let file = try compressed(Array("a line of text that is somewhat longer\n".utf8), pieces: 99)
    for count in 1..<file.count {
      let reader = try GzipReader()
      reader.add(file[..<count])
      while try !reader.next().isEmpty {}
      #expect(!reader.isWhole)
    }
    for index in file.indices where ![4, 5, 6, 7, 8, 9].contains(index) {
      var damaged = file
      damaged[index] ^= 0x55
      let reader = try GzipReader()
      reader.add(damaged[...])
      do {
        while try !reader.next().isEmpty {}
        #expect(!reader.isWhole, "byte \(index)")
      } catch { #expect(error == .malformed) }
    }
  }
}
