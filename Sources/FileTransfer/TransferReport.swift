import Audit
import Glibc
import IPC
import System

/// Tells the session what happens to files.
///
/// Many facts go in one message: they are kept until they are as many as one holds, until they are old, or until the
/// client pauses. Waits while the session is behind, so that nothing is lost.
public final class TransferReport: FileObserver {
  /// Milliseconds after which a fact is told though others come.
  static let patience: Int64 = 20
  /// Milliseconds of a pause of the client in which what is there is told.
  static let pause: Int32 = 2
  /// Bytes of a note; what is longer is cut.
  static let noteLength = 1000

  public let hearsReadsAndWrites: Bool
  private let socket: MessageSocket
  private var waiting: [Fact] = []
  /// When the first of them was heard.
  private var firstTime: Int64 = 0

  /// - Parameter verbose: tell every read and write, too.
  public init(_ socket: MessageSocket, verbose: Bool = false) {
    self.socket = socket
    hearsReadsAndWrites = verbose
  }

  deinit { flush() }

  public func record(_ event: FileEvent) { add(Fact(event)) }

  /// Tells that a rule with the action `log` let an operation through.
  public func record(_ operation: FileOperation, _ paths: [[UInt8]], rule: String) {
    add(Fact(allowed: operation, paths, rule: rule))
  }

  /// Tells something else, for people.
  public func note(_ line: String) {
    flush()
    // The last character may be cut; as a replacement it must fit, too.
    send(.note(String(decoding: line.utf8.prefix(Self.noteLength), as: UTF8.self)))
  }

  public func rest(waitingFor input: Descriptor) {
    if waiting.isEmpty { return }
    if Clock.milliseconds - firstTime < Self.patience, input.wait(for: POLLIN, milliseconds: Self.pause) { return }
    flush()
  }

  private func add(_ fact: Fact) {
    if waiting.isEmpty { firstTime = Clock.milliseconds }
    waiting.append(fact)
    if waiting.count >= FactBatch.countLimit { flush() }
  }

  private func flush() {
    while !waiting.isEmpty { send(.facts(FactBatch(takingFrom: &waiting))) }
  }

  private func send(_ message: TransferToSession) {
    // Without a session there is nobody to tell.
    _ = try? socket.send(message.wireBytes, wait: true)
  }
}
