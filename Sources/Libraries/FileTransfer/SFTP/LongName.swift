import System

/// Lines as `ls -l` prints them, which some clients show and others parse. draft-ietf-secsh-filexfer-02, section 7
struct LongName {
  private let now: Int64
  private let names: AccountNames

  /// - Parameter now: seconds since 1970; files older than half a year show their year instead of the time.
  init(now: Int64, names: AccountNames) {
    self.now = now
    self.names = names
  }

  /// `-rw-r--r--    1 root     root         1024 Nov 20 20:37 name`.
  func line(_ name: [UInt8], _ file: FileAttributes) -> [UInt8] {
    var line = LongName.mode(file.mode)
    line.append(UInt8(ascii: " "))
    LongName.put(file.links, width: 3, into: &line)
    line.append(UInt8(ascii: " "))
    LongName.put(names.user(file.owner), width: 8, into: &line)
    line.append(UInt8(ascii: " "))
    LongName.put(names.group(file.group), width: 8, into: &line)
    line.append(UInt8(ascii: " "))
    LongName.put(file.size, width: 8, into: &line)
    line.append(UInt8(ascii: " "))
    let time = file.modificationTime.seconds
    let isRecent = time <= now && now - time < 365 * 24 * 60 * 60 / 2
    line += LocalTime.listing(time, withYear: !isRecent)
    line.append(UInt8(ascii: " "))
    return line + name
  }

  private static let types: [UInt32: UInt8] = [
    0o010000: UInt8(ascii: "p"), 0o020000: UInt8(ascii: "c"), 0o040000: UInt8(ascii: "d"),
    0o060000: UInt8(ascii: "b"), 0o100000: UInt8(ascii: "-"), 0o120000: UInt8(ascii: "l"),
    0o140000: UInt8(ascii: "s"),
  ]

  /// Eleven characters; the last, which would mark an access control list, is always blank.
  private static func mode(_ mode: UInt32) -> [UInt8] {
    var text = [types[mode & 0o170000] ?? UInt8(ascii: "?")]
    for (shift, special, letter) in [(6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t")] as [(UInt32, UInt32, String)]
    {
      let bits = mode >> shift
      text.append(bits & 4 != 0 ? UInt8(ascii: "r") : UInt8(ascii: "-"))
      text.append(bits & 2 != 0 ? UInt8(ascii: "w") : UInt8(ascii: "-"))
      switch (mode & special != 0, bits & 1 != 0) {
      case (false, false): text.append(UInt8(ascii: "-"))
      case (false, true): text.append(UInt8(ascii: "x"))
      case (true, false): text += letter.uppercased().utf8
      case (true, true): text += letter.utf8
      }
    }
    text.append(UInt8(ascii: " "))
    return text
  }

  private static func put(_ number: UInt64, width: Int, into line: inout [UInt8]) {
    let digits = String(number).utf8
    for _ in 0..<max(0, width - digits.count) { line.append(UInt8(ascii: " ")) }
    line += digits
  }

  private static func put(_ name: [UInt8], width: Int, into line: inout [UInt8]) {
    line += name
    for _ in 0..<max(0, width - name.count) { line.append(UInt8(ascii: " ")) }
  }
}
