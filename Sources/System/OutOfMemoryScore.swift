import Glibc

/// How ready the kernel is to end a process when memory runs out: -1000, never, to 1000. proc(5), oom_score_adj
public enum OutOfMemoryScore {
  private static let file = "/proc/self/oom_score_adj"

  /// Protects this process, as far as it may; returns the score that it had, for those that it starts.
  ///
  /// Children inherit the score, and who has no privileges cannot go below what a privileged process last set: so the
  /// old one must be given back before a child changes its identity. nil: nothing was changed.
  public static func protectThisProcess() -> Int? {
    guard let bytes = try? Descriptor.open(file, O_RDONLY).readAll(limit: 64),
      let score = Int(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }), score > -1000,
      let writer = try? Descriptor.open(file, O_WRONLY), (try? writer.writeAll(Array("-1000".utf8))) != nil
    else { return nil }
    return score
  }
}
