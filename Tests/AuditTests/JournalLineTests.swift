import Digests
import Foundation
import TestSupport
import Testing

@testable import Audit

@Suite struct JournalLineTests {
  private static let full = JournalLine(
    AuditEventTests.full, sequence: 12, previous: LineHash(of: Array("the line before".utf8)[...]))

  @Test func `a line has the documented keys and values`() {
    let text = """
      {"id":"00000000-0000-4001-8000-000000000002","timestamp":"1969-12-31T23:59:59.999999Z",\
      "event_type":"file_renamed","session_id":"00000000-0000-4001-8000-000000000002","user":"anna",\
      "client_ip":"2001:db8::1","path":"/\u{fffd}","dest_path":"/b","bytes":18446744073709551615,"result":"denied",\
      "details":"a sentence","protocol":"sftp","v":3,"seq":12,\
      "prev":"\(SHA256.hash(Array("the line before".utf8)[...]).map { String(format: "%02x", $0) }.joined())",\
      "host":"h","connection_id":9,"channel":7,"client_port":65535,"client_version":"SSH-2.0-x",\
      "method":"publickey","key_fingerprint":"SHA256:x","command":"ls","exit_status":255,"signal":"TERM",\
      "duration_ms":1,"bytes_in":2,"bytes_out":3,"rule":"no music","reason":"permission_denied",\
      "key_exchange":"mlkem768x25519-sha256","forward_kind":"local","target":"db:5432",\
      "address":"192.0.2.9:5432","originator":"127.0.0.1:1","path_raw":"L/8="}
      """
    var line = Self.full
    line.event.id = EventID(high: 1, low: 2)
    #expect(String(decoding: line.json, as: UTF8.self) == text)
  }

  @Test func `every key is present and null where it does not apply`() throws {
    let event = AuditEvent(
      id: EventID(high: 0, low: 0), time: 0, host: "h", subject: Subject(), record: AuditRecord(.daemonStarted))
    let json = JournalLine(event, sequence: 1, previous: .none).json
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
    #expect(Set(object.keys) == Set(JournalLine.keys))
    let values = object.filter { !($0.value is NSNull) }.keys
    #expect(Set(values) == ["id", "timestamp", "event_type", "result", "v", "seq", "prev", "host"])
  }

  @Test func `any event survives encoding and decoding and other JSON parsers see the same strings`() throws {
    var generator = SplitMix(seed: 1)
    for _ in 0..<300 {
      let event = generator.event()
      let line = JournalLine(event, sequence: generator.number() | 1, previous: LineHash(of: generator.bytes()[...]))
      let json = line.json
      #expect(!json.contains(0x0a))
      #expect(json.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
      let read = try JournalLine(json: json[...])
      #expect(read == line)
      #expect(read.json == json)
      let object = try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
      let details = (object["details"] as? String).map { Array($0.utf8) }
      #expect(details == event.record.details.map { Array($0.utf8) })
      let raw = (object["path_raw"] as? String).flatMap { Data(base64Encoded: $0) }
      #expect((raw.map(Array.init) ?? (object["path"] as? String).map { Array($0.utf8) }) == event.record.path)
    }
  }

  @Test func `the longest line is within the limit and parses`() throws {
    var event = AuditEventTests.full
    let text = String(repeating: "\u{1}", count: 5000)
    for field in [\Subject.user, \.clientAddress, \.clientVersion, \.method, \.keyFingerprint, \.keyExchange] {
      event.subject[keyPath: field] = text
    }
    for field in [\AuditRecord.details, \.signal, \.rule, \.target, \.address, \.originator] {
      event.record[keyPath: field] = text
    }
    event.record.reason = Reason(code: text)
    // One byte becomes three as U+FFFD, or six as an escape; the Base64 is in addition.
    for field in [\AuditRecord.path, \.destination, \.command] {
      event.record[keyPath: field] = [0xff] + [UInt8](repeating: 1, count: 5000)
    }
    let json = JournalLine(event, sequence: .max, previous: .none).json
    #expect(json.count <= JournalLine.lengthLimit)
    #expect(try JournalLine(json: json[...]).event.record.path?.count == AuditRecord.textLimit)
    let long = [UInt8](repeating: 0x20, count: JournalLine.lengthLimit + 1)
    #expect(throws: JournalLineError.tooLong) { try JournalLine(json: long[...]) }
  }

  private static let forward =
    ",\"forward_kind\":\"local\",\"target\":\"db:5432\",\"address\":\"192.0.2.9:5432\",\"originator\":\"127.0.0.1:1\""

  @Test func `a line of version 2, which has nothing about forwards, is read`() throws {
    let text = String(decoding: Self.full.json, as: UTF8.self)
      .replacing("\"v\":3", with: "\"v\":2").replacing(Self.forward, with: "")
    var expected = Self.full
    let record = expected.event.record
    expected.event.record.forwardKind = nil
    (expected.event.record.target, expected.event.record.address, expected.event.record.originator) = (nil, nil, nil)
    #expect(record != expected.event.record)
    #expect(try JournalLine(json: Array(text.utf8)[...]) == expected)
  }

  @Test func `a line of version 1, which has no key exchange either, is read`() throws {
    let text = String(decoding: Self.full.json, as: UTF8.self)
      .replacing("\"v\":3", with: "\"v\":1").replacing(Self.forward, with: "")
      .replacing(",\"key_exchange\":\"mlkem768x25519-sha256\"", with: "")
    let read = try JournalLine(json: Array(text.utf8)[...])
    #expect(read.event.subject.keyExchange == nil && read.event.record.target == nil)
    #expect(read.event.record.reason == Self.full.event.record.reason)
  }

  @Test func `a line truncated anywhere is refused`() {
    let json = Self.full.json
    for count in 0..<json.count { #expect(throws: JournalLineError.self) { try JournalLine(json: json[..<count]) } }
  }

  @Test(arguments: [
    ("\"v\":3", "\"v\":4", JournalLineError.value(of: "v")), ("\"v\":3", "\"v\":0", .value(of: "v")),
    ("\"v\":3", "\"v\":1", .rest), ("\"v\":3", "\"v\":2", .rest),
    ("\"forward_kind\":\"local\"", "\"forward_kind\":\"x11\"", .value(of: "forward_kind")),
    ("\"target\":\"db:5432\",", "", .missingKey("target")),
    ("\"key_exchange\":\"mlkem768x25519-sha256\",", "", .missingKey("key_exchange")),
    ("\"seq\":12", "\"seq\":0", .value(of: "seq")),
    ("\"seq\":12", "\"seq\":-1", .value(of: "seq")), ("\"seq\":12", "\"seq\":12.0", .missingKey("prev")),
    ("file_renamed", "file_reread", .value(of: "event_type")), ("\"user\":\"anna\",", "", .missingKey("user")),
    ("\"user\":\"anna\"", "\"user\":\"anna\",\"user\":\"bert\"", .missingKey("client_ip")),
    ("\"user\":\"anna\"", "\"user\": \"anna\"", .value(of: "user")),
    ("\"user\":\"anna\"", "\"user\":7", .value(of: "user")),
    ("\"host\":\"h\"", "\"host\":null", .value(of: "host")),
    ("\"client_port\":65535", "\"client_port\":65536", .value(of: "client_port")),
    ("\"exit_status\":255", "\"exit_status\":4294967296", .value(of: "exit_status")),
    ("\"path_raw\":\"L/8=\"", "\"path_raw\":\"L/7=\"", .value(of: "path_raw")),
    ("\"path_raw\":\"L/8=\"", "\"path_raw\":\"L2I=\"", .value(of: "path_raw")),
    ("\"path_raw\":\"L/8=\"", "\"dest_path_raw\":\"L/8=\"", .value(of: "dest_path_raw")),
    ("\"path_raw\":\"L/8=\"", "\"other\":1", .rest), ("{\"id\"", " {\"id\"", .missingKey("id")),
  ])
  func `a line in another format is refused and the fault is named`(
    part: String, other: String, error: JournalLineError
  ) throws {
    let text = String(decoding: Self.full.json, as: UTF8.self)
    try #require(text.contains(part))
    let changed = Array(text.replacing(part, with: other).utf8)
    #expect(throws: error) { try JournalLine(json: changed[...]) }
    #expect(!error.description.isEmpty)
  }

  @Test func `arbitrary bytes never make the parser trap`() {
    var generator = SplitMix(seed: 2)
    let json = Self.full.json
    for _ in 0..<1000 {
      var bytes = json
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: place)
        default: bytes.insert(bytes.randomElement(using: &generator)!, at: place)
        }
      }
      _ = try? JournalLine(json: bytes[...])
    }
  }
}
