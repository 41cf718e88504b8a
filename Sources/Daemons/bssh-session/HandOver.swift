import System
import SystemBus

/// `bssh-session hand-over PID…`: moves the processes that go on after a hand-over into a scope of their own, and ends.
/// The supervisor that systemd knows becomes this program once it has nothing more to do. So the service is empty when
/// this program ends, and systemd can start the next daemon.
enum HandOver {
  /// The first argument of this mode.
  static let argument: [UInt8] = Array("hand-over".utf8)
  /// Time limit of the whole in milliseconds, because the next daemon waits.
  private static let timeout: Int64 = 2000

  static func run(_ arguments: [[UInt8]], places: ScopeClient.Places = ScopeClient.usualPlaces) -> ExitCode {
    SignalSource.ignoreBrokenPipes()
    let processes = arguments.compactMap { Int32(String(decoding: $0, as: UTF8.self)) }.filter { $0 > 1 }
    guard let first = processes.first else { return .usage }
    var log = Log(threshold: .info, style: ProcessEnvironment.isLoggedByJournal ? .journal : .plain)
    let end = Clock.milliseconds + timeout
    var problem: String?
    // systemd moves no process if one of them has ended meanwhile. The first one is the supervisor's copy, which goes on
    // for the existing logins.
    for attempt in 0..<5 {
      let name = "bssh-generation-\(first)-\(UInt32.random(in: 0...UInt32.max)).scope"
      let there = attempt == 0 ? processes : processes.filter(ThisProcess.exists)
      let request = ScopeRequest(
        name: name, description: "bssh-server: logins of before a restart", slice: nil, processes: there)
      problem = move(request, places, until: end)
      if problem == nil || Clock.milliseconds >= end { break }
    }
    guard let problem else { return .success }
    log.write(.warning, "the logins that go on stay in the service's control group: \(problem)")
    // Success all the same: this is the service's main process, and the service has not failed.
    return .success
  }

  private static func move(_ request: ScopeRequest, _ places: ScopeClient.Places, until end: Int64) -> String? {
    var client = ScopeClient(places)
    do {
      try client.ask(request, number: 0)
      let loop = try EventLoop()
      if let socket = client.socket { try loop.add(socket, .read, token: 0) }
      while end > Clock.milliseconds {
        try client.flush()
        // The messages are small; if a socket does not accept one at once, it will a moment later.
        let limit = client.hasOutput ? 10 : end - Clock.milliseconds
        for _ in try loop.wait(milliseconds: Int32(clamping: limit)) {
          if let outcome = try client.receive().first { return outcome.problem }
        }
      }
      return "systemd does not answer"
    } catch { return "\(error)" }
  }
}
