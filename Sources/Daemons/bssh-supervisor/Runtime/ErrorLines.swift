/// What a process writes to its standard error, cut into lines for the log.
///
/// Few write any: the last words of one that traps, or what a library thinks is worth a line. What is written by one that
/// was taken over is bounded.
struct ErrorLines: Equatable, Sendable {
  /// Bytes of a line; what is longer is cut.
  static let lineLimit = 1000
  /// Lines and bytes in each interval of so many milliseconds.
  static let burst = 20
  static let byteLimit = 64 << 10
  static let interval: Int64 = 60_000

  private var line: [UInt8] = []
  private var isCut = false
  private var throttle = LogThrottle(burst: burst, interval: interval)
  private var taken = 0
  private var endTime: Int64 = .min

  /// Takes what came; returns lines for the log.
  mutating func add(_ bytes: [UInt8], at now: Int64) -> [String] {
    if now >= endTime { (taken, endTime) = (0, now + Self.interval) }
    taken += bytes.count
    var lines: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        lines += finish(at: now)
      } else if line.count < Self.lineLimit {
        line.append(byte)
      } else {
        isCut = true
      }
    }
    return lines
  }

  /// When more may be read; nil: now.
  var nextTime: Int64? { taken < Self.byteLimit ? nil : endTime }

  /// There is no more to come, or the line has no end.
  mutating func finish(at now: Int64) -> [String] {
    defer { (line, isCut) = ([], false) }
    guard !line.isEmpty, let heldBack = throttle.pass(at: now) else { return [] }
    let text = String(decoding: line, as: UTF8.self) + (isCut ? "…" : "")
    return [heldBack > 0 ? text + " (\(heldBack) lines before it were left out)" : text]
  }
}
