import Digests
import Foundation
import IPC
import System
import Testing

/// What messages look like, and the version that says so.
@Suite struct MessageVersionTests {
  /// The version of messages, and a digest of what all samples looked like at that version.
  private static let file = ((#filePath as NSString).deletingLastPathComponent as NSString)
    .appendingPathComponent("MessageVersion.txt")

  @Test func `whoever changes a message raises the version`() throws {
    var digest = FileDigest.sha256.begin()
    for bytes in Samples.all.map(\.bytes).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      digest.add(ArraySlice("\(bytes.count):".utf8))
      digest.add(bytes[...])
    }
    let hex = digest.finished().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let known = try String(contentsOfFile: Self.file, encoding: .utf8)
    #expect(
      known == "\(MessageVersion.current) \(hex)\n",
      """
      Messages look different, or there are other samples. Where a message has changed since the last release, raise the
      version in Sources/CLinux/version.c; then write the version and this digest into Tests/IPCTests/MessageVersion.txt.
      """)
  }
}
