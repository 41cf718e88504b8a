import Foundation
import System
import Testing

/// OpenSSH's scp, using the old protocol with the built bssh-transfer through a replacement for ssh.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/scp"), "there is no /usr/bin/scp"))
struct SCPClientTests {
  let scratch: ScratchDirectory

  init() throws {
    scratch = try ScratchDirectory()
    let transfer = try ProcessEnvironment.executableFolder() + "/bssh-transfer"
    // scp passes ssh's options, the host and the command.
    try scratch.write("ssh", "#!/bin/sh\nfor command; do :; done\nexec '\(transfer)' scp \"$command\"\n")
    chmod(scratch.path + "/ssh", 0o755)
    for directory in ["from", "to"] {
      try FileManager.default.createDirectory(
        atPath: scratch.path + "/" + directory, withIntermediateDirectories: false)
    }
  }

  /// Runs a program in the scratch directory; its exit code and output.
  @discardableResult
  private func run(_ program: String, _ arguments: String...) throws -> (code: Int32, text: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  private func scp(_ options: String, _ source: String, _ target: String) throws -> (code: Int32, text: String) {
    try run("/usr/bin/scp", "-O\(options)", "-S", scratch.path + "/ssh", source, target)
  }

  /// Describes a tree: names, types, modes, times and contents.
  private func tree(_ directory: String) throws -> String {
    let list = "find . -printf '%P %y %m %Ts\\n' | sort; find . -type f -print0 | sort -z | xargs -0r sha256sum"
    return try run("/bin/sh", "-c", "cd '\(scratch.path)/\(directory)' && \(list)").text
  }

  private func plant() throws {
    let names = [
      "a b", "'", "\"", "\\", "*", "[x]", "$HOME", "`id`", "é", "-r", "#", "~", ";", ".hidden", "{a,b}", "\t",
    ]
    for name in names { try scratch.write("from/t/\(name)", name) }
    try scratch.write("from/t/deep/er/empty")
    let script = """
      cd from/t && printf 'x' > "$(printf 'not\\377utf8')" && head -c 3000000 /dev/urandom > large
      truncate -s 1M sparse && chmod 400 large && chmod 751 deep && chmod 700 deep/er
      touch -d 2001-02-03T04:05:06 large deep/er/empty deep && touch -d 1999-01-01 .
      """
    try run("/bin/sh", "-c", script)
  }

  @Test func `a tree with odd names survives upload and download`() throws {
    try plant()
    let expected = try tree("from/t")
    let up = try scp("rp", "from/t", "host:'\(scratch.path)/to/up'")
    #expect(up == (0, ""))
    #expect(try tree("to/up") == expected)
    let down = try scp("rp", "host:\(scratch.path)/to/up", "to/down")
    #expect(down == (0, ""))
    #expect(try tree("to/down") == expected)
  }

  @Test(arguments: ["a b", "'", "\"", "*", "[x]", "$HOME", "`id`", "é", ";", ".hidden", "{a,b}", "#"])
  func `a name quoted for a shell is that name`(name: String) throws {
    try scratch.write("from/\(name)", name)
    let quoted = "'" + name.replacingOccurrences(of: "'", with: "'\\''") + "'"
    // -T: else the client would compare the name with its request, including quotes.
    let down = try scp("T", "host:\(scratch.path)/from/\(quoted)", "to/x")
    #expect(down == (0, ""))
    #expect(scratch.text("to/x") == name)
    let up = try scp("", "to/x", "host:\(scratch.path)/to/\(quoted)")
    #expect(up == (0, ""))
    #expect(scratch.text("to/\(name)") == name)
  }

  @Test func `globs fetch what they match, and a failure makes the exit code 1`() throws {
    for name in ["a1", "a2", "b1"] { try scratch.write("from/\(name)", name) }
    let all = try scp("", "host:\(scratch.path)/from/a*", "to")
    #expect(all == (0, ""))
    #expect(scratch.names("to") == ["a1", "a2"])
    let missing = try scp("", "host:\(scratch.path)/from/missing", "to")
    #expect(missing.code == 1)
    #expect(missing.text.contains("No such file or directory"))
    let denied = try scp("", "from/b1", "host:\(scratch.path)/nowhere/x")
    #expect(denied.code == 1)
    #expect(denied.text.contains("No such file or directory"))
  }

  @Test func `a file over 4 GiB arrives in full length`() throws {
    try run("/bin/sh", "-c", "umask 022; truncate -s 4300000000 from/s && printf end >> from/s")
    let ends = "printf '\\0\\0\\0' | ./ssh host \"scp -f \(scratch.path)/from/s\""
    let count = try run("/bin/sh", "-c", "umask 022; \(ends) | tail -c 4 | od -An -c; \(ends) | wc -c")
    let parts = count.text.split(whereSeparator: \.isWhitespace)
    let header = "C0644 4300000003 s\n".utf8.count
    #expect(parts == ["e", "n", "d", "\\0", "\(4_300_000_003 + header + 1)"])
  }
}
