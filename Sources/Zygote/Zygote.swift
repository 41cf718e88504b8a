import IPC
import System
import Wire

/// A process that is prepared once, and copies itself for each connection or login.
///
/// Starting an executable costs milliseconds and a megabyte of memory of its own for every one; a copy shares what
/// the zygote has prepared. The copies of one zygote share a memory layout too. An attacker who crashes one to learn
/// about it gains nothing: the supervisor replaces a zygote one of whose copies was killed by a signal.
public enum Zygote {
  /// What ends a zygote.
  public enum Failure: Error {
    case system(SystemError)
    /// The supervisor said what it may not say.
    case unexpected
  }

  /// Serves the supervisor on `control`.
  ///
  /// - Parameter prepare: called once, with the settings and the descriptors that come with them; returns what the kernel
  ///   could not do.
  /// - Returns: in each copy its own connection to the supervisor, whose descriptors are with those that `prepare` got the
  ///   only ones over 2 that are left, and the identity that it has to take; its standard error is its own, too. nil in the zygote, when the supervisor has
  ///   closed `control`.
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
            // The standard error's own number is closed when `descriptors` goes.
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

  /// True in the copy.
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
