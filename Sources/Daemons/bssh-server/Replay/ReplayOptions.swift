import System

/// How a recording is played.
struct ReplayOptions: Equatable {
  var speed = 1.0
  /// Limit for pauses in microseconds; nil: that of the recording, or none.
  var idleLimit: Int64?
  /// The time of the recording, in microseconds, up to which everything is shown at once.
  var from: Int64 = 0
  /// Shows everything, including sequences that do more than draw.
  var isRaw = false

  init(_ arguments: Arguments) throws(Failure) {
    if let text = arguments.value("speed") {
      guard let speed = Double(text), (0.01...1000).contains(speed) else {
        throw Arguments.usage("--speed \(text): expected a number from 0.01 to 1000", for: .replay)
      }
      self.speed = speed
    }
    if let text = arguments.value("idle-limit") {
      guard let limit = Self.time(text), limit > 0 else {
        throw Arguments.usage("--idle-limit \(text): expected seconds, such as 2 or 0.5", for: .replay)
      }
      idleLimit = limit
    }
    if let text = arguments.value("from") {
      guard let from = Self.time(text) else {
        throw Arguments.usage("--from \(text): expected a time: seconds, 12:34 or 1:02:03", for: .replay)
      }
      self.from = from
    }
    isRaw = arguments.has("raw")
  }

  /// `90`, `0.5`, `1:30`, `1:02:03.5` in microseconds.
  static func time(_ text: String) -> Int64? {
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard (1...3).contains(parts.count), let last = parts.last, (1...16).contains(last.count),
      last.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }), let seconds = Double(String(Substring(last))),
      parts.count == 1 || seconds < 60, seconds < 1e9
    else { return nil }
    var minutes: Int64 = 0
    for part in parts.dropLast() {
      guard (1...6).contains(part.count), part.allSatisfy(isDigit), let number = Int64(String(Substring(part))) else {
        return nil
      }
      minutes = minutes * 60 + number
    }
    return minutes * 60_000_000 + Int64((seconds * 1_000_000).rounded())
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
