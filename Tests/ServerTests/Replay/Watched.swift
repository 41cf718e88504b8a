import Foundation
import System

@testable import Server

/// A program on a terminal of its own, of 80 columns and 24 rows, with a viewer who can type.
final class Watched {
  let process: ChildProcess
  private let terminal: Terminal
  private let slave: Descriptor
  private(set) var bytes: [UInt8] = []
  let modesBefore: [UInt32]

  /// Starts `bssh-server replay` with these arguments.
  convenience init(_ words: [String]) throws { try self.init([program, "replay"] + words, home: "/nonexistent") }

  init(_ words: [String], home: String) throws {
    terminal = try Terminal()
    terminal.resize(.init(columns: 80, rows: 24, xPixels: 0, yPixels: 0))
    slave = try Descriptor.open(terminal.name, O_RDWR | O_NOCTTY)
    modesBefore = Watched.modes(of: slave)
    var request = ChildProcess.Request(
      path: "/usr/bin/env", arguments: ["env"] + words, descriptors: [slave, slave, slave])
    request.environment = ["PATH=/usr/bin:/bin", "HOME=\(home)", "LC_ALL=C.UTF-8", "TERM=xterm", "SHELL=/bin/sh"]
    request.newSession = true
    request.controllingTerminal = true
    process = try ChildProcess(request)
    try terminal.master.setNonBlocking()
  }

  deinit { process.signal(SIGKILL) }

  /// Everything that it has shown.
  var text: String {
    read()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The local modes of the terminal.
  var modes: [UInt32] { Watched.modes(of: slave) }

  private static func modes(of terminal: Descriptor) -> [UInt32] {
    var modes = termios()
    tcgetattr(terminal.rawValue, &modes)
    return [modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag]
  }

  private func read() {
    while let (more, outcome) = try? terminal.master.read(count: 4096), case .bytes = outcome { bytes += more }
  }

  func type(_ keys: String) throws { try terminal.master.writeAll(Array(keys.utf8)) }

  /// Waits until it has shown this.
  func wait(for expected: String) throws { try eventually { text.contains(expected) } }

  func eventually(_ isSo: () throws -> Bool) throws {
    let deadline = Date(timeIntervalSinceNow: 30)
    while try !isSo() {
      guard Date() < deadline else { throw Failure(.software, "not within 30 s; shown: \(text.debugDescription)") }
      terminal.master.wait(for: POLLIN, milliseconds: 10)
    }
  }

  /// Waits for its end; continues to read, so that it does not block.
  func wait() throws -> ExitStatus {
    var status: ExitStatus?
    try eventually {
      read()
      status = process.reap()
      return status != nil
    }
    read()
    return status ?? .unknown
  }

  /// What a program that requires a terminal writes to its standard output there.
  static func output(of words: [String], in folder: Folder) throws -> String {
    let watched = try Watched(words, home: folder.path)
    // What is shown must be what was written.
    try watched.leaveOutput()
    let status = try watched.wait()
    guard status == .code(0) else { throw Failure(.software, "\(words): \(status): \(watched.text)") }
    return watched.text
  }

  private func leaveOutput() throws {
    var modes = termios()
    tcgetattr(slave.rawValue, &modes)
    modes.c_oflag &= ~tcflag_t(OPOST)
    tcsetattr(slave.rawValue, TCSANOW, &modes)
  }
}
