import Audit
import Foundation
import JournalReader
import System
import Testing

@testable import Server

/// `audit tail`, `grep`, `show`, `stats`, `last`, `lastb`: the built program.
@Suite struct AuditReadingTests {
  @Test(arguments: [false, true])
  func `tail shows the last events across all files`(isRotated: Bool) throws {
    let journal = try SampleJournal.day()
    if isRotated { try journal.writeRotated() } else { try journal.write() }
    #expect(try journal.numbers(["tail"]) == Array(9...18))
    #expect(try journal.numbers(["tail", "-n", "3"]) == [16, 17, 18])
    #expect(try journal.numbers(["tail", "-n", "14"]) == Array(5...18))
    #expect(try journal.numbers(["tail", "-n", "1000"]) == Array(1...18))
    #expect(try journal.numbers(["tail", "-n", "0"]) == [])
    #expect(try journal.numbers(["tail", "-n", "2", "--user", "alice"]) == [11, 12])
  }

  @Test func `a line contains the time, the type, the user and the result`() throws {
    let journal = try SampleJournal.day()
    try journal.write()
    let lines = try journal.audit("tail", "-n", "18").output.split(separator: "\n").map(String.init)
    #expect(lines[0] == "2026-03-04 05:06:07.000 daemon_started     daemon started: bssh-server 0.9")
    #expect(
      lines[2]
        == "2026-03-04 05:06:09.000 auth_failure       [1] alice 192.0.2.7: refused 'alice' by password: wrong_password"
    )
    #expect(
      lines[16]
        == "2026-03-04 05:06:23.000 command_executed   [3] bob 2001:db8::5: channel 1: command 'ls -l' exited with 0")
    #expect(
      try journal.audit("tail", "-n", "1", "--utc", environment: ["TZ": "Europe/Berlin"]).output
        .hasPrefix("2026-03-04 05:06:24.000Z "))
    #expect(
      try journal.audit("tail", "-n", "1", environment: ["TZ": "Europe/Berlin"]).output
        .hasPrefix("2026-03-04 06:06:24.000 "))
  }

  @Test func `nothing in a name controls the terminal`() throws {
    let journal = try SampleJournal.day()
    try journal.write()
    for words in [
      ["tail", "-n", "18"], ["stats"], ["last"], ["lastb"], ["show", "2"], ["tail", "--json", "-n", "18"],
    ] {
      let output = try bsshServer(["audit"] + words + ["--file", journal.path]).output
      for scalar in output.unicodeScalars where scalar != "\n" {
        let category = scalar.properties.generalCategory
        #expect(category != .control && category != .format, "\(words) \(output.debugDescription)")
      }
    }
    #expect(try journal.audit("lastb").output.hasPrefix("ma\\x1b[31ml\\u{202e}lory "))
    #expect(try journal.audit("grep", "--type", "transfer_denied").output.contains(#""/srv/secret\x0a\#u{fffd}""#))
  }

  @Test func `there are colors on a terminal, unless NO_COLOR is set`() throws {
    let journal = try SampleJournal.day()
    try journal.write()
    let command = [program, "audit", "tail", "--file", journal.path]
    #expect(try Watched.output(of: command, in: journal.folder).contains("\u{1b}[32msession_start\u{1b}[0m"))
    #expect(try !Watched.output(of: ["NO_COLOR=1"] + command, in: journal.folder).contains("\u{1b}"))
    #expect(try !journal.audit("tail").output.contains("\u{1b}"))
  }

  @Test func `stats shows how many events are pending for each receiver`() throws {
    let journal = try SampleJournal.day()
    try journal.write()
    #expect(try !journal.audit("stats").output.contains("receivers"))
    let folder = journal.folder.file("cursors")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (base, receiver, accepted): (String, String, UInt64?) in [
      ("audit.log", "syslog /dev/log", nil), ("audit.log", "logstash a:1", 12), ("audit.log", "otel http://b", 99),
      ("other.log", "logstash c:1", 1),
    ] {
      var cursor = Cursor()
      (cursor.receiver, cursor.accepted) = (receiver, accepted)
      let file = "\(folder)/\(Cursor.fileName(for: "\(base) \(receiver)"))"
      try Data(cursor.text.utf8).write(to: URL(fileURLWithPath: file))
      try Data().write(to: URL(fileURLWithPath: file + ".lock"))
    }
    let parts = try journal.audit("stats").output.components(separatedBy: "\nEvents that wait for receivers\n")
    let rows = parts.last?.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    #expect(parts.count == 2 && rows == ["logstash a:1 6", "otel http://b 0", "syslog /dev/log 18"])
  }

  @Test func `json is the original line of the journal`() throws {
    let journal = try SampleJournal.day()
    try journal.writeRotated()
    #expect(try Array(journal.audit("grep", "--json").output.utf8) == journal.bytes(1...18))
  }

  static let questions: [([String], [Int])] = [
    (["--user", "alice"], [3, 5, 6, 8, 9, 10, 11, 12]), (["--user", "b*", "--user", "ma*"], [7, 16, 17]),
    (["--address", "192.0.2.7", "--type", "connection_*"], [2, 12]),
    (["--address", "203.0.113.0/24"], [4, 7, 13, 14]),
    (["--address", "2001:db8::/32"], [15, 16, 17]), (["--address", "::ffff:192.0.2.7", "--result", "denied"], [9]),
    (["--session", "a11ce"], [6, 8, 9, 10, 11, 12]), (["--session", "B0B"], [16, 17]),
    (["--type", "auth_failure,session_start"], [3, 6, 7, 16]), (["--type", "file_*"], [8, 10]),
    (["--result", "failure", "--result", "denied"], [3, 7, 9]), (["--path", "*.pdf"], [8]),
    (["--path", "/srv/in/*"], [8, 10]), (["--path", "/srv/**"], [8, 9, 10]), (["--path", "*.txt"], [10]),
    (["--since", "2026-03-04 05:06:22Z"], [16, 17, 18]), (["--until", "2026-03-04T05:06:08Z"], [1, 2]),
    (["--since", "2026-03-04 05:06:09", "--until", "2026-03-04 05:06:10.5"], [3, 4]),
    (["--since", "2026-03-04", "--until", "2026-03-05", "--user", "bob"], [16, 17]), (["--until", "2026-03-04"], []),
    (["--since", "1h"], []), (["--user", "alice", "--type", "session_*", "--address", "192.0.2.0/30"], []),
    (["--user", "alice", "--type", "session_*", "--address", "192.0.2.0/29"], [6, 11]), ([], Array(1...18)),
  ]

  @Test(arguments: questions)
  func `grep shows what matches all criteria`(words: [String], numbers: [Int]) throws {
    let journal = try SampleJournal.day()
    try journal.writeRotated()
    #expect(try journal.numbers(["grep"] + words) == numbers)
    let outcome = try bsshServer(["audit", "grep"] + words + ["--file", journal.path], environment: ["TZ": "UTC"])
    #expect(outcome.code == (numbers.isEmpty ? 1 : 0))
    #expect(outcome.errors == "")
  }

  @Test(arguments: [
    (["audit"], "audit needs an action: tail, grep, show, verify, stats, last, lastb"),
    (["audit", "tial"], "unknown action 'tial' of 'audit'; did you mean 'audit tail'?"),
    (["audit", "grep", "--address", "localhost"], "--address localhost: "),
    (["audit", "grep", "--session", "x"], "--session x: expected the id of a session"),
    (["audit", "grep", "--type", "auth_fialure"], "--type: there is no 'auth_fialure'; did you mean 'auth_failure'?"),
    (["audit", "grep", "--result", "bad"], "--result: there is no 'bad': expected success, failure, denied, error"),
    (["audit", "grep", "--path", "["], "--path [: "), (["audit", "grep", "--since", "soon"], "--since soon: expected"),
    (["audit", "tail", "-n", "-1"], "--lines -1: expected a whole number"), (["audit", "show"], "audit show needs a"),
    (["audit", "last", "--json"], "--json is not an option of 'audit last'"),
    (["audit", "verify", "--user", "a"], "--user is not an option of 'audit verify'"),
    (["audit", "grep", "--since", "1h", "--since", "2h"], "--since is given twice"),
  ])
  func `an invalid command line says what would be correct`(words: [String], complaint: String) throws {
    let outcome = try bsshServer(words)
    #expect(outcome.code == 64)
    #expect(outcome.errors.hasPrefix("bssh-server: \(complaint)"), "\(outcome.errors)")
  }

  @Test func `help lists the actions, and the options of each`() throws {
    let help = try bsshServer("audit", "--help")
    #expect(help.code == 0)
    #expect(help.output.contains("audit lastb"))
    #expect(try bsshServer("audit", "grep", "--help").output.contains("--since TIME"))
  }

  // MARK: Sessions

  @Test func `show begins with the connection of the session and contains nothing of others`() throws {
    let journal = try SampleJournal.day()
    try journal.writeRotated()
    for name in ["a11ce000-0000-4000-8000-000000000001", "A11CE", "1"] {
      #expect(try journal.numbers(["show", name]) == [2, 3, 5, 6, 8, 9, 10, 11, 12], "\(name)")
    }
    #expect(try journal.numbers(["show", "2"]) == [4, 7, 13, 14])
    let story = try journal.audit("show", "a11ce").output.split(separator: "\n").map(String.init)
    #expect(
      story[0]
        == "'alice', from 192.0.2.7, by publickey, SHA256:abc, on tau, connection 1, session \(SampleJournal.alice)")
    #expect(story[1] == "2026-03-04 05:06:08.000 connection_open    connection from 192.0.2.7:4711")
    #expect(story.count == 10)
  }

  @Test func `the number of a connection means the last one with that number`() throws {
    var journal = try SampleJournal.day()
    let carol = EventID(high: 0xca40_0000_0000_4000, low: 0x8000_0000_0000_0003)
    journal.add(.daemonStarted)
    journal.add(.connectionOpen, connection: 1)
    journal.add(.sessionStart, connection: 1, user: "carol", session: carol)
    try journal.write()
    #expect(try journal.numbers(["show", "1"]) == [20, 21])
    #expect(try journal.numbers(["show", "a11ce"]) == [2, 3, 5, 6, 8, 9, 10, 11, 12])
  }

  @Test func `a session that does not exist, or is not unique, is an error`() throws {
    var journal = try SampleJournal.day()
    journal.add(.sessionStart, connection: 9, session: EventID(high: 0xa11c_e000_0000_4000, low: 0x8000_0000_0000_0009))
    try journal.write()
    let none = try journal.audit("show", "ffff")
    #expect(none.code == 1)
    #expect(none.errors == "bssh-server: the journal has no session 'ffff'\n")
    let several = try journal.audit("show", "a11ce")
    #expect(several.code == 65)
    #expect(several.errors.contains("several sessions begin with 'a11ce'"))
    #expect(several.errors.contains("  \(SampleJournal.alice)\n"))
  }

  // MARK: Summaries

  @Test func `last lists logins, the most recent first`() throws {
    var journal = try SampleJournal.day()
    try journal.write()
    #expect(
      try journal.audit("last").output == """
        bob              publickey,totp       2001:db8::5     2026-03-04 05:06:22.000   still logged in
        alice            publickey            192.0.2.7       2026-03-04 05:06:12.000 - 2026-03-04 05:06:17.000  (00:00)

        """)
    #expect(try journal.audit("last", "-n", "1").output.hasPrefix("bob"))
    #expect(try journal.audit("last", "--user", "alice").output.hasPrefix("alice"))
    journal.add(.daemonStarted)
    try journal.write()
    #expect(try journal.audit("last", "-n", "1").output.hasSuffix(" - no end recorded\n"))
  }

  @Test func `lastb lists refused logins, the most recent first`() throws {
    let journal = try SampleJournal.day()
    try journal.write()
    let lines = try journal.audit("lastb").output.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(
      lines[1] == "alice            password             192.0.2.7       2026-03-04 05:06:09.000 wrong_password")
    #expect(try journal.audit("lastb", "--address", "192.0.2.7").output == lines[1] + "\n")
  }

  @Test func `stats counts events`() throws {
    let journal = try SampleJournal.day()
    try journal.writeRotated()
    let output = try journal.audit("stats").output
    #expect(output.hasPrefix("3 files, "))
    #expect(output.contains("18 events from 2026-03-04 05:06:07.000 to 2026-03-04 05:06:24.000\n"))
    for row in [
      ("auth_failure", "2  (2 failure)"), ("transfer_denied", "1  (1 denied)"), ("connection_open", "3"),
      ("alice", "1"), ("203.0.113.9", "1"), ("no_such_user", "1"), ("uploaded", "1000"),
    ] {
      #expect(
        output.split(separator: "\n").contains { line in
          let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
          return words.count == 2 && words[0] == row.0 && words[1].drop { $0 == " " } == row.1
        }, "\(row.0): \(output)")
    }
    #expect(try journal.audit("stats", "--user", "nobody").output.hasSuffix("no events\n"))
  }

  @Test func `names that attackers invent are counted up to a limit`() {
    var tally = AuditStats.Tally()
    for number in 0..<AuditStats.nameLimit + 5 { tally.add("user\(number)") }
    tally.add("user7")
    #expect(tally.counts.count == AuditStats.nameLimit)
    #expect(tally.others == 5)
    #expect(tally.top(2).map(\.name) == ["user7", "user0"])
  }

  // MARK: Files

  @Test func `the journal is where the configuration says`() throws {
    let journal = try SampleJournal.day()
    try journal.write()
    let key = journal.folder.file("key")
    #expect(try bsshServer("gen-host-key", "-o", key).code == 0)
    let file = try journal.folder.write(
      "c.yaml", "server: {host_keys: [\(key)]}\naudit: {exporters: [{type: file, path: \(journal.path)}]}\n")
    let outcome = try bsshServer("audit", "tail", "-n", "1", "-c", file)
    #expect(outcome.output.contains("configuration_loaded"))
    let bad = try bsshServer("audit", "tail", "-c", try journal.folder.write("bad.yaml", "server: {prot: 1}\n"))
    #expect(bad.code == 78)
    #expect(bad.errors.contains("'--file FILE' reads a journal"))
  }

  @Test func `a missing journal is an error, and so is a directory`() throws {
    let folder = try Folder()
    let outcome = try bsshServer("audit", "tail", "--file", folder.file("none"))
    #expect(outcome.code == 66)
    #expect(outcome.errors == "bssh-server: \(folder.file("none")): No such file or directory\n")
    #expect(try bsshServer("audit", "grep", "--file", folder.path).code == 66)
  }

  @Test func `malformed lines are reported, and do not hide the others`() throws {
    let journal = try SampleJournal.day()
    try journal.write(
      "audit.log", journal.bytes(1...2) + Array("{\"id\"\n".utf8) + journal.bytes(3...4) + Array("{\"i".utf8))
    let outcome = try journal.audit("grep")
    #expect(outcome.output.split(separator: "\n").count == 4)
    #expect(
      outcome.errors
        == "bssh-server: \(journal.path): line 3: not a journal line: 'id' is not in its place\n")
  }

  @Test func `a reader that closes the pipe ends it silently`() throws {
    var journal = try SampleJournal()
    for _ in 0..<5000 { journal.add(.connectionOpen, connection: 1) }
    try journal.write()
    let outcome = try bsshServer(
      "-c", "\(program) audit grep --file \(journal.path) | head -n 1", program: "/bin/sh")
    #expect(outcome.output.split(separator: "\n").count == 1)
    #expect(outcome.errors == "")
  }

  @Test func `a backup that exists in both forms is read once, and other names are not backups`() throws {
    let journal = try SampleJournal.day()
    try journal.writeRotated()
    try journal.write("audit.log.1.gz", [1, 2, 3])
    for name in ["audit.log.0", "audit.log.01", "audit.log.x", "audit.log.3.bz2", "audit.log.", "xaudit.log.4"] {
      try journal.write(name, Array("x\n".utf8))
    }
    #expect(try journal.numbers(["grep"]) == Array(1...18))
  }
}
