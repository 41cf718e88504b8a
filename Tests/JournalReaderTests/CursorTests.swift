import Audit
import Testing

@testable import JournalReader

private func head(_ sequence: UInt64) -> LineHead {
  LineHead(sequence: sequence, id: EventID(high: sequence, low: sequence))
}

@Suite struct CursorTests {
  @Test func `a cursor parses to what was written`() {
    var cursor = Cursor()
    #expect(Cursor(Array(cursor.text.utf8)) == cursor)
    for sequence: UInt64 in [1, 2, 50, 51, 52, 9000] {
      cursor.advance(to: head(sequence), at: Cursor.Place(device: 7, inode: .max, offset: sequence * 600))
      #expect(Cursor(Array(cursor.text.utf8)) == cursor)
    }
    cursor.advance(to: head(9001), at: nil)
    #expect(Cursor(Array(cursor.text.utf8)) == cursor && cursor.place == nil && cursor.last == head(9001))
    cursor.receiver = "syslog /run/a log"
    (cursor.accounted, cursor.accepted) = (0, .max)
    #expect(Cursor(Array(cursor.text.utf8)) == cursor)
    #expect(Cursor(Array(cursor.text.utf8))?.receiver == "syslog /run/a log")
  }

  @Test func `a truncated or invalid cursor is refused`() {
    var cursor = Cursor()
    for sequence: UInt64 in 1...40 {
      cursor.advance(to: head(sequence), at: Cursor.Place(device: 1, inode: 2, offset: 3))
    }
    let bytes = Array(cursor.text.utf8)
    for length in bytes.indices { #expect(Cursor(Array(bytes[..<length])) == nil) }
    for text in [
      "bssh-cursor 2\nend\n", "bssh-cursor 1\nreceiver a\nreceiver b\nend\n", "bssh-cursor 1\nreceiver\nend\n",
      "bssh-cursor 1\nmark 1\nend\n", "bssh-cursor 1\nplace 1 2\nend\n",
      "bssh-cursor 1\nmark 1 \(head(1).id)\nmark 2 \(head(2).id)\nend\n", "bssh-cursor 1\nmark -1 \(head(1).id)\nend\n",
      "bssh-cursor 1\nend\nend\n", "\u{ff}",
    ] {
      #expect(Cursor(Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test func `marks are few, reach back to the start and are at most four times as far apart as necessary`() {
    var cursor = Cursor()
    for sequence: UInt64 in 1...20_000 { cursor.advance(to: head(sequence), at: nil) }
    let distances = cursor.marks.map { 20_000 - $0.sequence }
    #expect(distances.count < 64 && distances[0] == 0 && cursor.text.utf8.count < Cursor.sizeLimit)
    for (near, far) in zip(distances.dropFirst(), distances.dropFirst(2)) { #expect(far <= near * 4) }
    #expect(distances[1] <= 2 && distances.last! > 5000)
    #expect(distances == distances.sorted())
  }

  @Test func `going back drops the newest marks and the position`() {
    var cursor = Cursor()
    for sequence: UInt64 in [1, 10, 20] {
      cursor.advance(to: head(sequence), at: Cursor.Place(device: 1, inode: 1, offset: 0))
    }
    cursor.goBack(dropping: 1)
    #expect(cursor.last == head(10) && cursor.place == nil)
    cursor.advance(to: head(5), at: nil)
    #expect(cursor.marks.map(\.sequence) == [5, 1])
    cursor.goBack(dropping: 99)
    #expect(cursor.last == nil)
  }

  @Test func `file names contain plain characters and differ for different exporters`() {
    let names = [
      "logstash a:1", "logstash a_1", "logstash a:1 ", "../../etc/passwd", String(repeating: "x", count: 300),
    ]
    let files = names.map(Cursor.fileName)
    #expect(Set(files).count == names.count)
    for file in files {
      #expect(file.utf8.count <= 100 && !file.utf8.contains(UInt8(ascii: "/")))
      #expect(file.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f })
    }
  }
}
