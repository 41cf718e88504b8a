/// Durations and sizes with units.
enum Units {
  static let seconds: [(suffix: String, factor: UInt64)] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
  static let milliseconds: [(suffix: String, factor: UInt64)] =
    [("ms", 1)] + seconds.map { ($0.suffix, $0.factor * 1000) }
  static let bytes: [(suffix: String, factor: UInt64)] = [
    ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]

  /// Parses a whole number with one of the suffixes, or without, in which case it is multiplied by `plain`.
  ///
  /// nil for other text, and if the result exceeds `UInt64`.
  static func parse(_ text: String, _ units: [(suffix: String, factor: UInt64)], plain: UInt64) -> UInt64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = UInt64(digits) else { return nil }
    let suffix = text.dropFirst(digits.count)
    let factor = suffix.isEmpty ? plain : units.first { $0.suffix == suffix }?.factor
    guard let factor else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }

  /// What was probably intended: `5GiB` for `5GB`, `2m` for `2 minutes`; nil: unknown.
  static func meant(_ text: String, _ units: [(suffix: String, factor: UInt64)]) -> String? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    var word = text.dropFirst(digits.count).lowercased().filter { $0 != " " }
    guard UInt64(digits) != nil, !word.isEmpty else { return nil }
    if word.count > 2, word.hasSuffix("s") { word.removeLast() }
    let others = [
      "b": ["byte"], "kib": ["k", "kb"], "mib": ["m", "mb"], "gib": ["g", "gb"], "tib": ["t", "tb"],
      "ms": ["milli", "msec"],
      "s": ["sec", "second"], "m": ["min", "minute"], "h": ["hr", "hour"], "d": ["day"],
    ]
    let unit = units.first { unit in
      let name = unit.suffix.lowercased()
      return name == word || others[name]?.contains(word) ?? false
    }
    // Text that already has this form has another fault.
    return unit.map { digits + $0.suffix }.flatMap { $0 == text ? nil : $0 }
  }

  /// The number with the largest unit of which it is a multiple: `90s`, `1h`, `64KiB`; `0` is `0`.
  static func format(_ number: UInt64, _ units: [(suffix: String, factor: UInt64)]) -> String {
    guard number > 0, let unit = units.last(where: { number.isMultiple(of: $0.factor) }) else { return "\(number)" }
    return "\(number / unit.factor)\(unit.suffix)"
  }
}
