import Glibc
import IPC
import System

/// `reload`: has a daemon load its configuration again, and waits for the result, which SIGHUP alone does not return.
enum ReloadCommand {
  /// Timeout in milliseconds: the daemon waits a minute for a loader, and then for an authority.
  private static let timeout: Int64 = 90_000

  static func run(_ arguments: Arguments) throws(Failure) {
    guard let word = arguments.operand, let process = Int32(word), process > 1 else {
      throw Arguments.usage("reload needs the process id of a daemon", for: .reload)
    }
    // The signal would end any other process.
    guard let name = ProcessEnvironment.executable(of: process), name == "bssh-supervisor" else {
      throw Failure(.noInput, "bssh-server: process \(process) is not a bssh-supervisor, or belongs to another user")
    }
    let answer: ReloadReply
    do throws(SystemError) { answer = try ask(process) } catch {
      throw Failure(.systemError, "bssh-server: \(error)")
    }
    switch answer {
    case .applied: return
    case .refused(let problems):
      var failure = Failure(.configuration)
      failure.lines = problems + ["bssh-server: the new configuration is not used; the previous one still applies"]
      throw failure
    }
  }

  private static func ask(_ process: Int32) throws(SystemError) -> ReloadReply {
    let path = ReloadReply.path(for: getpid())
    // A killed process with the same process id may have left its socket.
    unlink(path)
    umask(0o077)
    let socket = try Descriptor.datagram(at: path)
    defer { unlink(path) }
    let target = try Descriptor.process(process)
    let loop = try EventLoop()
    try loop.add(socket, .read, token: 0)
    try loop.add(target, .read, token: 1)
    guard kill(process, SIGHUP) == 0 else { throw .last("signal process \(process)") }
    let end = Clock.milliseconds + timeout
    while Clock.milliseconds < end {
      let events = try loop.wait(milliseconds: Int32(clamping: end - Clock.milliseconds))
      if events.contains(where: { $0.token == 0 }) {
        let (bytes, _) = try socket.read(count: ReloadReply.sizeLimit + MessageVersion.header.count)
        let message = try MessageVersion.message(in: bytes)
        guard let answer = try? ReloadReply(wireBytes: message) else { break }
        return answer
      }
      if !events.isEmpty { return .refused(["process \(process) has ended"]) }
    }
    return .refused(["process \(process) does not reply; see its log for the result"])
  }
}
