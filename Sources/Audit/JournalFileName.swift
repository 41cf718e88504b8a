/// What the name of one of a journal's files says: `audit.log` is the one that is written, `audit.log.1` the one before
/// it, `audit.log.2.gz` an older one that is compressed.
public struct JournalFileName: Hashable, Sendable {
  /// 0 for the file that is written, 1 for the youngest older one.
  public var age: UInt32
  public var isCompressed: Bool

  public init(age: UInt32, isCompressed: Bool) {
    self.age = age
    self.isCompressed = isCompressed
  }

  /// Reads a name; nil when it is none of the journal that is called `base`.
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
    // One name for each number: no sign, no zero in front.
    guard let text = String(validating: rest, as: UTF8.self), let age = UInt32(text), age > 0, "\(age)" == text
    else { return nil }
    self.init(age: age, isCompressed: isCompressed)
  }

  /// The name, of the journal that is called `base`.
  public func bytes(of base: [UInt8]) -> [UInt8] {
    age == 0 ? base : base + ".\(age)".utf8 + (isCompressed ? Array(".gz".utf8) : [])
  }
}

extension JournalFileName: Comparable {
  /// The youngest first; of one that is there in both forms, the plain one.
  public static func < (left: JournalFileName, right: JournalFileName) -> Bool {
    (left.age, left.isCompressed ? 1 : 0) < (right.age, right.isCompressed ? 1 : 0)
  }
}
