import Audit
import Testing

@Suite struct JournalFileNameTests {
  private let base = Array("audit.log".utf8)

  @Test func `file names of a journal are parsed and printed`() {
    let known: [(String, UInt32, Bool)] = [
      ("audit.log", 0, false), ("audit.log.1", 1, false), ("audit.log.12.gz", 12, true),
      ("audit.log.1000", 1000, false), ("audit.log.4294967295.gz", .max, true),
    ]
    for (text, age, isCompressed) in known {
      let name = JournalFileName(age: age, isCompressed: isCompressed)
      #expect(JournalFileName(Array(text.utf8), of: base) == name)
      #expect(name.bytes(of: base) == Array(text.utf8))
    }
  }

  @Test(arguments: [
    "audit.lo", "audit.logs", "audit.log.", "audit.log.0", "audit.log.01", "audit.log.gz", "audit.log..gz",
    "audit.log.head", "audit.log.1.gz.tmp", "audit.log.compressing.1", "audit.log.4294967296", "other.log.1",
    "audit.log.-1", "audit.log.+1", "audit.log. 1", "audit.log.1.gz.gz", "",
  ]) func `names of files by other programs are not parsed`(name: String) {
    #expect(JournalFileName(Array(name.utf8), of: base) == nil)
    #expect(JournalFileName(Array(name.utf8) + [0xff], of: base) == nil)
  }

  @Test func `files are sorted youngest first and plain before compressed`() {
    let names: [JournalFileName] = [
      .init(age: 2, isCompressed: true), .init(age: 0, isCompressed: false), .init(age: 1, isCompressed: true),
      .init(age: 1, isCompressed: false),
    ]
    let texts = names.sorted().map { String(decoding: $0.bytes(of: base), as: UTF8.self) }
    #expect(texts == ["audit.log", "audit.log.1", "audit.log.1.gz", "audit.log.2.gz"])
  }
}
