/// Splits the standard error of a process into lines for the log.
///
/// Processes rarely write any, except messages of traps and of libraries. Limits prevent a compromised process from
/// flooding the log.
struct ErrorLines: Equatable, Sendable {
  /// Maximum length of a line in bytes; longer ones are truncated.
  static let lineLimit = 1000
  /// Maximum number of lines and bytes in each interval, in milliseconds.
  static let burst = 20
  static let byteLimit = 64 << 10
  static let interval: Int64 = 60_000

  private var line: [UInt8] = []
  private var isCut = false
  private var throttle = LogThrottle(burst: burst, interval: interval)
  private var taken = 0
  private var endTime: Int64 = .min

  /// Adds bytes, and returns the lines for the log.
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

  /// When more may be read; nil: immediately.
  var nextTime: Int64? { taken < Self.byteLimit ? nil : endTime }

  /// Ends the current line, and returns it if it is logged.
  mutating func finish(at now: Int64) -> [String] {
    defer { (line, isCut) = ([], false) }
    guard !line.isEmpty, let heldBack = throttle.pass(at: now) else { return [] }
    let text = String(decoding: line, as: UTF8.self) + (isCut ? "…" : "")
    return [heldBack > 0 ? text + " (\(heldBack) lines before it were left out)" : text]
  }
}
