import Glibc

/// The kernel's readiness to kill a process when memory runs out, -1000 (never) to 1000. proc(5), oom_score_adj
public enum OutOfMemoryScore {
  private static let file = "/proc/self/oom_score_adj"

  /// Protects this process as far as it may, and returns its previous score for the processes that it starts; nil when
  /// nothing was changed.
  ///
  /// Children inherit the score, and an unprivileged process cannot set one below what a privileged process set last.
  /// So a child must restore the previous score before it changes its identity.
  public static func protectThisProcess() -> Int? {
    guard let bytes = try? Descriptor.open(file, O_RDONLY).readAll(limit: 64),
      let score = Int(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }), score > -1000,
      let writer = try? Descriptor.open(file, O_WRONLY), (try? writer.writeAll(Array("-1000".utf8))) != nil
    else { return nil }
    return score
  }
}
