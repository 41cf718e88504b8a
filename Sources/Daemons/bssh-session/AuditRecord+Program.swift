import Audit
import IPC
import Model
import System

/// The audit records of a requested program: one before it starts and one when it has ended, or one when it was denied.
extension AuditRecord {
  /// The record of the start of this program.
  var ofStart: AuditRecord {
    var record = self
    record.type = .commandStarted
    return record
  }

  /// The record of a program; ``end(_:isOverdue:)`` adds how it ended.
  ///
  /// - Parameters:
  ///   - request: the client's request.
  ///   - terminal: the name of its terminal; nil: there is none.
  init(_ program: Program, for request: ChannelRequest, onTerminal terminal: String? = nil) {
    self.init(.commandExecuted, .success, program.eventProtocol)
    command = request.commandLine
    var parts: [String] = []
    if let terminal { parts.append("on \(terminal)") }
    switch program {
    case .forced(let forced): parts.append("forced \(Self.shown(forced.line).quoted())")
    case .forcedSFTP(let words): parts.append("forced \(Self.shown(CommandRules.sftp, words).quoted())")
    case .shell, .command, .sftp, .scp: break
    }
    details = parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// The record of a denial; nil for a request whose denial is not audited.
  init?(_ denial: Denial, of request: ChannelRequest) {
    switch request {
    case .shell: self.init(.commandBlocked, .denied, .shell)
    case .execute(let line), .overlongCommand(let line):
      self.init(.commandBlocked, .denied, SCPCommand.parse(line) == nil ? .exec : .scp)
    case .subsystem(let name): self.init(.commandBlocked, .denied, name == Array("sftp".utf8) ? .sftp : .ssh)
    case .terminal:
      self.init(.commandBlocked, .denied, .ssh)
      details = "terminal"
    case .signal(let name):
      self.init(.commandBlocked, .denied, .ssh)
      details = "signal \(String(decoding: name.prefix(32), as: UTF8.self))"
    case .environment, .windowChange, .breakSignal: return nil
    }
    command = request.commandLine
    reason = Reason(denial)
    rule = denial.key
  }

  /// Adds how the program ended.
  ///
  /// - Parameter isOverdue: it was ended because its time limit was reached.
  mutating func end(_ status: ExitStatus, isOverdue: Bool) {
    switch status {
    case .code(let code):
      exitStatus = UInt32(bitPattern: code)
      result = code == 0 ? .success : .failure
    case .signal(let number, _):
      signal = Signal.name(number)
      result = .failure
    case .unknown: (result, reason) = (.error, Reason(ProgramEnd.unknown))
    }
    if isOverdue { (result, reason) = (.failure, Reason(ProgramEnd.overdue)) }
  }

  private static func shown(_ line: [UInt8], _ words: [[UInt8]] = []) -> String {
    // A forced command can be 16 KiB long.
    String(decoding: Array(([line] + words).joined(separator: [UInt8(ascii: " ")])).prefix(1000), as: UTF8.self)
  }
}

extension Program {
  /// The protocol in its audit records.
  fileprivate var eventProtocol: EventProtocol {
    switch self {
    case .shell: .shell
    case .command, .forced: .exec
    case .sftp, .forcedSFTP: .sftp
    case .scp: .scp
    }
  }
}

extension ChannelRequest {
  /// The command line or subsystem, as the client sent it; nil for a shell.
  fileprivate var commandLine: [UInt8]? {
    switch self {
    case .execute(let line), .overlongCommand(let line): line
    case .subsystem(let name): name
    case .shell, .terminal, .environment, .windowChange, .signal, .breakSignal: nil
    }
  }
}
