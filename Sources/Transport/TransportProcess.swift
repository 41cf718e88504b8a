import Glibc
import IPC
import System
import Wire

/// A transport's life: configured as a spare, put into its sandbox, given a connection, over.
enum TransportProcess {
  /// Runs to the end; returns the exit status, of sysexits(3).
  static func run(control number: Int32) -> Int32 {
    SignalSource.ignoreBrokenPipes()
    let control = MessageSocket(Descriptor(owning: number))
    do {
      guard case .configure(let settings)? = try next(control)?.0 else { return ExitCode.protocolError }
      let connection = try Connection(settings, control: control)
      try SSH.prepare(settings, identification: "bssh-server", owner: connection)
      let weaknesses = try Sandbox.enter(root: settings.root)
      try control.send(FromTransport.ready(weaknesses: weaknesses).wireBytes, wait: true)
      guard let (message, descriptors) = try next(control) else { return ExitCode.success }
      guard case .serve = message, descriptors.count == 1 else { return ExitCode.protocolError }
      try SSH.accept(descriptors[0])
      return try connection.run(descriptors[0])
    } catch {
      let text = (error as? SSH.Failure)?.text ?? "\(error)"
      let farewell = FromTransport.closed(reason: "cannot_start", detail: text, bytesIn: 0, bytesOut: 0)
      _ = try? control.send(farewell.wireBytes)
      return ExitCode.software
    }
  }

  /// Waits for the supervisor's next message; nil when it has gone.
  private static func next(_ control: MessageSocket) throws -> (ToTransport, [Descriptor])? {
    while true {
      switch try control.receive(wait: -1) {
      case .message(let bytes, let descriptors): return (try ToTransport(wireBytes: bytes[...]), descriptors)
      case .wouldBlock: continue
      case .closed: return nil
      }
    }
  }
}
