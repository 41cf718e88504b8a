import Foundation
import IPC
import Testing
import Wire

@Suite struct MessageTests {
  @Test(arguments: Samples.all) func `a message is decoded as it was encoded`(_ sample: Sample) throws {
    try sample.checkRoundTrip()
  }

  @Test(arguments: Samples.all) func `a message cut anywhere is refused`(_ sample: Sample) {
    for length in 0..<sample.bytes.count {
      #expect(sample.error(sample.bytes[..<length]) != nil, "\(sample), \(length) of \(sample.bytes.count) bytes")
    }
  }

  @Test(arguments: Samples.all) func `a message with an additional byte is refused`(_ sample: Sample) {
    #expect(sample.error((sample.bytes + [0])[...]) == .trailingBytes)
  }

  @Test(arguments: Samples.all) func `a message with a changed byte is decoded or refused, and never traps`(
    _ sample: Sample
  ) {
    for (place, byte) in sample.bytes.enumerated() {
      for change: UInt8 in [0, 1, 0x7f, 0x80, 0xff] where change != byte {
        var bytes = sample.bytes
        bytes[place] = change
        _ = sample.error(bytes[...])
      }
    }
  }

  @Test(arguments: Samples.kinds) func `each kind of a message has its own number and a blank`(_ kinds: MessageKinds) {
    #expect(kinds.numbers == Array(1...kinds.cases))
  }

  @Test(arguments: Samples.kinds) func `a message of an unknown kind is malformed, whatever follows`(
    _ kinds: MessageKinds
  ) {
    for kind in [0] + (kinds.cases + 1...255) {
      for length in [0, 1, 8, 64] {
        #expect(kinds.error(([UInt8(kind)] + [UInt8](repeating: 0, count: length))[...]) == .malformed)
      }
    }
  }

  @Test func `the inputs of the fuzzer of messages can be decoded`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz/Corpus/Messages")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    #expect(!files.isEmpty)
    for file in files {
      // The first byte chooses the type of message.
      let message = try Data(contentsOf: file).dropFirst()
      #expect(Samples.all.contains { $0.error(Array(message)[...]) == nil }, "\(file.lastPathComponent)")
    }
  }

  @Test func `every property of every message is encoded`() {
    #expect(Samples.uncoded.isEmpty)
  }

  @Test func `every message type and every type in a message has samples`() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Libraries")
    var declared: Set<String> = []
    let files = try ["IPC", "Model"].flatMap {
      try FileManager.default.contentsOfDirectory(at: sources.appending(path: $0), includingPropertiesForKeys: nil)
    }
    for file in files {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /(?:struct|enum) (\w+): Wire(?:Fields|Message)/) { declared.insert("\(match.1)") }
    }
    #expect(declared.count > 50)
    #expect(declared.subtracting(Samples.types) == [])
  }
}
