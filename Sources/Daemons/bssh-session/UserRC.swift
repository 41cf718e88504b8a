import Glibc
import IPC
import System

/// `~/.ssh/rc`: a user's commands that run before each of the user's shells and commands. sshd(8), SSHRC
///
/// The file may run as long as it likes, so the session does not wait for it: it starts this program again, which runs
/// the file and then becomes the shell. There is no X11 forwarding, so the file gets nothing on standard input.
enum UserRC {
  /// The first argument of such a process, followed by the file, the shell, and the shell's own arguments.
  static let argument = Array("--user-rc".utf8)

  /// True when the file exists and has to run before this program. Not when the configuration restricts what the login
  /// runs, and not for a subsystem.
  static func isWanted(before program: Program, of login: Login) -> Bool {
    guard login.permissions.userRC, !login.commands.isRestricting else { return false }
    switch program {
    case .shell, .command: break
    case .forced(let forced): if forced.wanted == .sftp { return false }
    case .sftp, .scp, .forcedSFTP: return false
    }
    return FileStatus.exists(path(in: login.account.home))
  }

  /// Changes `request` so that the file runs before its program.
  ///
  /// - Throws: `SystemError` when this process's executable cannot be opened.
  static func wrap(_ request: inout ChildProcess.Request, home: String) throws(SystemError) {
    let program = try Executable.ofThisProcess()
    let rest = request.arguments.map { Array($0.utf8) } + request.argumentBytes
    request.argumentBytes = [argument, Array(path(in: home).utf8), Array(request.path.utf8)] + rest
    request.arguments = ["bssh-session"]
    (request.path, request.executable) = (program.path, program)
  }

  /// Runs the file, and becomes the shell. Returns only on failure.
  static func run(_ arguments: [[UInt8]]) -> ExitCode {
    guard arguments.count >= 3 else { return .usage }
    let shell = String(decoding: arguments[1], as: UTF8.self)
    runFile(arguments[0], shell: shell)
    let error = ThisProcess.become(shell, arguments: Array(arguments[2...]))
    try? Descriptor.standardError().writeAll(Array("bssh-session: \(error)\n".utf8))
    return .unavailable
  }

  private static func path(in home: String) -> String { home + "/.ssh/rc" }

  /// Runs the file by the user's shell, as sshd does: if that shell runs nothing, the file does not run. Its result is
  /// ignored.
  private static func runFile(_ path: [UInt8], shell: String) {
    var quoted = Array("/bin/sh '".utf8)
    for byte in path { quoted += byte == UInt8(ascii: "'") ? Array(#"'\''"#.utf8) : [byte] }
    quoted.append(UInt8(ascii: "'"))
    guard let null = try? Descriptor.open("/dev/null", 0), let output = try? Descriptor.standardOutput(),
      let errors = try? Descriptor.standardError()
    else { return }
    let name = String(shell.split(separator: "/").last ?? "sh")
    var request = ChildProcess.Request(
      path: shell, arguments: [name, "-c"], descriptors: [null, output, errors])
    request.argumentBytes = [quoted]
    request.environment = ProcessEnvironment.all
    guard let process = try? ChildProcess(request) else { return }
    process.descriptor.wait(for: POLLIN)
    _ = process.reap()
  }
}
