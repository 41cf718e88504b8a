import Audit
import JournalReader
import Testing

@Suite struct LineHeadTests {
  private func line(_ change: (inout AuditEvent) -> Void = { _ in }) -> JournalLine {
    var event = AuditEvent(id: .random(), time: 0, host: "h", subject: Subject(), record: AuditRecord(.fileClose))
    change(&event)
    return JournalLine(event, sequence: 4711, previous: .none)
  }

  @Test func `the number and ID are those of the line`() {
    let line = line()
    #expect(LineHead(line.json[...]) == LineHead(sequence: 4711, id: line.event.id))
  }

  @Test func `no text in an event is mistaken for its number`() {
    let line = line { event in
      event.record.path = Array(#"","seq":1,"x":""#.utf8)
      event.record.details = #","seq":2"#
      event.subject.user = #"\","seq":3,"#
      event.record.command = Array(#"x,"#.utf8)
    }
    #expect(LineHead(line.json[...])?.sequence == 4711)
  }

  @Test func `a truncated line is refused`() {
    let json = line().json
    for length in 0..<json.count { #expect(LineHead(json[..<length]) == nil) }
    #expect(LineHead([]) == nil && LineHead(Array("{}".utf8)[...]) == nil)
  }

  @Test func `the time is that of the line in milliseconds`() {
    var line = line()
    line.event.time = 1_772_600_767_250_000
    #expect(LineHead.time(of: line.json[...]) == 1_772_600_767_250)
    #expect(LineHead.time(of: line.json[..<60]) == 0 && LineHead.time(of: []) == 0)
  }
}
