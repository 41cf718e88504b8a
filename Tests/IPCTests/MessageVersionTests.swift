import Digests
import Foundation
import IPC
import System
import Testing

/// The encoding of messages, and the version that identifies it.
@Suite struct MessageVersionTests {
  /// The version of messages, and a digest of all samples in that version.
  private static let file = ((#filePath as NSString).deletingLastPathComponent as NSString)
    .appendingPathComponent("MessageVersion.txt")

  @Test func `the encoding of messages matches the version and the digest in MessageVersion.txt`() throws {
    var digest = FileDigest.sha256.begin()
    for part in Samples.all.map(\.bytes) + Samples.meanings.map({ Array($0.utf8) }) {
      digest.add(ArraySlice("\(part.count):".utf8))
      digest.add(part[...])
    }
    let hex = digest.finished().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let known = try String(contentsOfFile: Self.file, encoding: .utf8)
    #expect(
      known == "\(MessageVersion.current) \(hex)\n",
      """
      Messages or their samples have changed. If a message has changed since the last release, raise the version in
      Sources/C/CLinux/version.c. Then write this line into Tests/IPCTests/MessageVersion.txt:
      \(MessageVersion.current) \(hex)
      """)
  }
}
