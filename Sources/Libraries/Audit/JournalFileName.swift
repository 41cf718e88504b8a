/// The name of a journal file: `audit.log` is the file that is written, `audit.log.1` the previous one,
/// `audit.log.2.gz` an older, compressed one.
public struct JournalFileName: Hashable, Sendable {
  /// 0 for the file that is written, 1 for the youngest rotated one.
  public var age: UInt32
  /// True if the name ends in `.gz`.
  public var isCompressed: Bool

  public init(age: UInt32, isCompressed: Bool) {
    self.age = age
    self.isCompressed = isCompressed
  }

  /// Parses a name; nil if it does not belong to the journal with the name `base`.
  public init?(_ name: [UInt8], of base: [UInt8]) {
    guard name.starts(with: base) else { return nil }
    var rest = name.dropFirst(base.count)
    if rest.isEmpty {
      self.init(age: 0, isCompressed: false)
      return
    }
    guard rest.popFirst() == UInt8(ascii: ".") else { return nil }
    let isCompressed = rest.suffix(3).elementsEqual(".gz".utf8)
    if isCompressed { rest = rest.dropLast(3) }
    // Each number has a single notation: no sign and no leading zeros.
    guard let text = String(validating: rest, as: UTF8.self), let age = UInt32(text), age > 0, "\(age)" == text
    else { return nil }
    self.init(age: age, isCompressed: isCompressed)
  }

  /// The name of the file for a journal with the name `base`.
  public func bytes(of base: [UInt8]) -> [UInt8] {
    age == 0 ? base : base + ".\(age)".utf8 + (isCompressed ? Array(".gz".utf8) : [])
  }
}

extension JournalFileName: Comparable {
  /// Youngest first; the plain file before a compressed one of the same age.
  public static func < (left: JournalFileName, right: JournalFileName) -> Bool {
    (left.age, left.isCompressed ? 1 : 0) < (right.age, right.isCompressed ? 1 : 0)
  }
}
