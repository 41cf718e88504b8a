import TestSupport

@testable import Audit

extension SplitMix {
  mutating func maybe<Value>(_ value: (inout SplitMix) -> Value) -> Value? {
    Bool.random(using: &self) ? value(&self) : nil
  }

  /// Arbitrary characters, including those that attackers use.
  mutating func text() -> String {
    let scalars: [Unicode.Scalar] = [
      "a", "Z", "/", " ", "\"", "\\", "\n", "\r", "\t", "\u{1}", "\u{1b}", "\u{7f}", "\u{9b}", "é", "e", "\u{301}",
      "\u{200d}", "\u{202e}", "\u{2028}", "\u{fffd}", "😀", "\u{e0001}", "\u{10ffff}", "\u{feff}", "{", "}", ",", ":",
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0...12, using: &self) {
      text.unicodeScalars.append(scalars.randomElement(using: &self)!)
    }
    return text
  }

  /// Arbitrary bytes, of which half are text.
  mutating func bytes() -> [UInt8] {
    if Bool.random(using: &self) { return Array(text().utf8) }
    return (0..<Int.random(in: 0...12, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
  }

  mutating func number() -> UInt64 { Bool.random(using: &self) ? next() : next() % 1000 }

  mutating func event() -> AuditEvent {
    var subject = Subject()
    subject.sessionID = maybe { EventID.random(using: &$0) }
    subject.user = maybe { $0.text() }
    subject.clientAddress = maybe { $0.text() }
    subject.clientPort = maybe { UInt16.random(in: 0...65535, using: &$0) }
    subject.connection = maybe { $0.number() }
    subject.clientVersion = maybe { $0.text() }
    subject.method = maybe { $0.text() }
    subject.keyFingerprint = maybe { $0.text() }
    subject.keyExchange = maybe { $0.text() }
    var record = AuditRecord(
      EventType.allCases.randomElement(using: &self)!, EventResult.allCases.randomElement(using: &self)!,
      maybe { EventProtocol.allCases.randomElement(using: &$0)! })
    record.path = maybe { $0.bytes() }
    record.destination = maybe { $0.bytes() }
    record.bytes = maybe { $0.number() }
    record.details = maybe { $0.text() }
    record.channel = maybe { UInt32.random(in: 0 ... .max, using: &$0) }
    record.command = maybe { $0.bytes() }
    record.exitStatus = maybe { UInt32.random(in: 0 ... .max, using: &$0) }
    record.signal = maybe { $0.text() }
    record.milliseconds = maybe { $0.number() }
    record.bytesIn = maybe { $0.number() }
    record.bytesOut = maybe { $0.number() }
    record.rule = maybe { $0.text() }
    record.reason = maybe { Reason(code: $0.text()) }
    record.forwardKind = maybe { ForwardKind.allCases.randomElement(using: &$0)! }
    record.target = maybe { $0.text() }
    record.address = maybe { $0.text() }
    record.originator = maybe { $0.text() }
    return AuditEvent(
      id: EventID.random(using: &self), time: Int64.random(in: Timestamp.range, using: &self), host: text(),
      subject: subject, record: record)
  }

  /// A journal in which every line continues the chain.
  mutating func journal(_ count: Int, first: UInt64 = 1) -> [JournalLine] {
    var lines: [JournalLine] = []
    var previous = first == 1 ? LineHash.none : LineHash(of: [0])
    for number in 0..<UInt64(count) {
      let line = JournalLine(event(), sequence: first + number, previous: previous)
      previous = LineHash(of: line.json[...])
      lines.append(line)
    }
    return lines
  }
}
