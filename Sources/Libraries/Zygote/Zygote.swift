import IPC
import System
import Wire

/// A process that is prepared once, and then copies itself for each connection or login.
///
/// Starting an executable costs milliseconds, and a megabyte of memory for each process; a copy shares what the zygote
/// has prepared. All copies of a zygote have the same memory layout. An attacker who crashes one to learn the layout
/// gains nothing, because the supervisor replaces a zygote once a signal has killed one of its copies.
public enum Zygote {
  /// Why a zygote ends.
  public enum Failure: Error {
    /// A system call failed.
    case system(SystemError)
    /// The supervisor sent a message that is not allowed now.
    case unexpected
  }

  /// Serves the supervisor on `control` until that is closed.
  ///
  /// - Parameter prepare: called once, with the settings and descriptors of the supervisor's first message; returns the
  ///   protections that the kernel could not provide.
  /// - Returns: nil in the zygote, when the supervisor has closed `control`. In each copy, the copy's own connection to
  ///   the supervisor, and the identity that it has to take. The copy has its own standard error; above 2, only this
  ///   connection's descriptors and those that `prepare` got are open.
  /// - Throws: `Failure.unexpected` for a message that is not allowed now; `WireError` for one that cannot be decoded;
  ///   `SystemError` when a system call fails; any error of `prepare`, after reporting it to the supervisor.
  public static func serve(
    _ control: MessageSocket, prepare: (TransportSettings?, [Descriptor]) throws -> [String]
  ) throws -> (socket: MessageSocket, identity: Identity?)? {
    var isPrepared = false
    var kept: [Descriptor] = []
    while true {
      switch try control.receive(wait: -1) {
      case .wouldBlock: continue
      case .closed: return nil
      case .message(let bytes, let descriptors):
        switch try SupervisorToZygote(wireBytes: bytes[...]) {
        case .prepare(let settings):
          guard !isPrepared else { throw Failure.unexpected }
          isPrepared = true
          kept = descriptors
          do {
            try control.send(ZygoteToSupervisor.ready(weaknesses: prepare(settings, kept)).wireBytes, wait: true)
          } catch {
            try control.send(ZygoteToSupervisor.failed(number: 0, reason: "\(error)").wireBytes, wait: true)
            throw error
          }
        case .fork(let number, let identity):
          guard isPrepared, descriptors.count == 3 else { throw Failure.unexpected }
          if try makeCopy(number, control) {
            try ThisProcess.setStandardError(descriptors[2])
            // The third descriptor itself is closed with `descriptors`.
            try ThisProcess.keepOnly(descriptors + kept, forgetting: control)
            return (
              MessageSocket(from: descriptors[0], to: descriptors[1]),
              identity.map { Identity(uid: $0.uid, gid: $0.gid, groups: $0.groups) }
            )
          }
        }
      }
    }
  }

  /// Copies this process; true in the copy. Failure to fork is reported to the supervisor and not thrown.
  private static func makeCopy(_ number: UInt64, _ control: MessageSocket) throws(SystemError) -> Bool {
    let copy: ForkedSibling
    do throws(SystemError) { copy = try ForkedSibling.fork() } catch {
      try control.send(ZygoteToSupervisor.failed(number: number, reason: "\(error)").wireBytes, wait: true)
      return false
    }
    switch copy {
    case .copy: return true
    case .original(let pid):
      try control.send(ZygoteToSupervisor.forked(number: number, pid: pid).wireBytes, wait: true)
      return false
    }
  }
}
