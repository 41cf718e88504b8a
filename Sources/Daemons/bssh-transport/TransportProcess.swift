import IPC
import System
import Wire
import Zygote

/// The life of a transport process: a zygote that is prepared with the settings, and its copies, which serve one
/// connection each.
enum TransportProcess {
  /// Runs the process to its end, and returns its exit code.
  static func run(control number: Int32) -> ExitCode {
    SignalSource.ignoreBrokenPipes()
    let zygote = MessageSocket.toSupervisor(socket: number, pipe: number + 1)
    var prepared: (settings: TransportSettings, sandbox: Sandbox)?
    // The sandbox does not permit asking for it.
    let openFiles = ResourceLimit.openFilesNow
    do {
      let copy = try Zygote.serve(zygote) { settings, descriptors in
        guard let settings, descriptors.isEmpty else { throw Zygote.Failure.unexpected }
        try SSH.prepare(settings)
        if settings.mayRecord { RunningHash.prepare() }
        let (sandbox, weaknesses) = try Sandbox.enter(root: settings.root, mayRecord: settings.mayRecord)
        prepared = (settings, sandbox)
        ThisProcess.setTitle("bssh-transport: zygote")
        return weaknesses
      }
      guard let copy, let prepared else { return .success }
      ThisProcess.setTitle("bssh-transport: spare")
      try prepared.sandbox.close()
      return try serve(copy.socket, prepared.settings, openFiles: openFiles)
    } catch {
      if let error = error as? SystemError, error.isOtherVersion {
        var log = Log(threshold: .error, style: .bare)
        log.write(.error, "\(error)")
      }
      return .software
    }
  }

  /// Serves one connection, in a copy of the zygote.
  private static func serve(
    _ control: MessageSocket, _ settings: TransportSettings, openFiles: UInt64
  ) throws -> ExitCode {
    guard case .message(let bytes, let descriptors) = try control.receive(wait: -1) else { return .success }
    guard case .serve(let number) = try SupervisorToTransport(wireBytes: bytes[...]), descriptors.count == 1 else {
      return .protocolError
    }
    ThisProcess.setTitle("bssh-transport [\(number)]")
    do {
      let closed = TransportToSupervisor.closed(
        reason: .outOfMemory, detail: "the connection needs more memory than it may have", bytesIn: 0, bytesOut: 0)
      try SSH.whenOutOfMemory(send: closed.wireBytes, to: control)
      let connection = try Connection(settings, control: control, openFiles: openFiles)
      try SSH.accept(descriptors[0], owner: connection)
      try connection.run(descriptors[0])
      return .success
    } catch {
      let text = (error as? SSH.Failure)?.text ?? "\(error)"
      let closed = TransportToSupervisor.closed(reason: .cannotStart, detail: text, bytesIn: 0, bytesOut: 0)
      try control.send(closed.wireBytes, wait: true)
      return .software
    }
  }
}
