import Glibc
import System

/// Why a transfer by scp cannot go on.
public enum SCPFailure: Error, Equatable, Sendable {
  /// The client broke the protocol.
  case violation(SCPViolation)
  /// The client gave up, and was the first to say so.
  case fatal
  /// The client is gone.
  case lost
}

/// The client of scp: what it sends, and what it is sent. Waits for it as long as that takes.
final class SCPConnection {
  /// Bytes that are read and written at a time.
  static let chunk = 256 << 10

  private let input: Descriptor
  private let output: Descriptor
  private let observer: (any FileObserver)?
  private var buffer = [UInt8](repeating: 0, count: chunk)
  private var responses = SCPResponseMachine()
  /// Read, not yet used.
  private var rest: Range<Int> = 0..<0
  /// Told the client that something went wrong, or was told.
  private(set) var hasFailed = false

  /// - Parameter observer: hears when the client is waited for.
  init(input: Descriptor, output: Descriptor, observer: (any FileObserver)? = nil) {
    self.input = input
    self.output = output
    self.observer = observer
  }

  /// Sends bytes.
  func send(_ bytes: ArraySlice<UInt8>) throws(SCPFailure) {
    var rest = bytes
    do throws(SystemError) {
      while !rest.isEmpty {
        switch try output.write(rest) {
        case .bytes(let n): rest = rest.dropFirst(n)
        case .wouldBlock: _ = output.wait(for: POLLOUT)
        case .ended: throw SystemError("write", code: 0)
        }
      }
    } catch { throw .lost }
  }

  func acknowledge() throws(SCPFailure) { try send([0]) }

  /// Tells the client what could not be done; it goes on with the next file.
  func complain(_ path: [UInt8], _ reason: String) throws(SCPFailure) {
    try complain("\(shown(path)): \(reason)")
  }

  func complain(_ message: String) throws(SCPFailure) {
    hasFailed = true
    // A longer message than this says nothing more.
    try send([1] + Array("scp: \(message)".utf8).prefix(4096) + [UInt8(ascii: "\n")])
  }

  /// Takes note of what the client said went wrong at its side.
  func note(_ message: [UInt8]) { hasFailed = true }

  /// Waits for the client's answer; true when it took what was sent.
  func isAccepted() throws(SCPFailure) -> Bool {
    while true {
      var unread = buffer[rest]
      let response: SCPResponseMachine.Response?
      do throws(SCPViolation) { response = try responses.next(&unread) } catch { throw .violation(error) }
      rest = unread.startIndex..<unread.endIndex
      switch response {
      case .accepted: return true
      case .refused(let message):
        note(message)
        return false
      case .fatal(let message):
        note(message)
        throw .fatal
      case nil: guard try fill() else { throw .lost }
      }
    }
  }

  /// What the client sent next; nil at the end.
  func receive() throws(SCPFailure) -> ArraySlice<UInt8>? {
    if rest.isEmpty, try !fill() { return nil }
    defer { rest = rest.endIndex..<rest.endIndex }
    return buffer[rest]
  }

  /// Waits for more, when everything has been used; false at the end.
  private func fill() throws(SCPFailure) -> Bool {
    observer?.rest(waitingFor: input)
    while true {
      do throws(SystemError) {
        let count = try input.read(into: &buffer, at: 0, count: Self.chunk)
        rest = 0..<count
        return count > 0
      } catch {
        guard error.code == EAGAIN else { throw .lost }
        input.wait(for: POLLIN)
      }
    }
  }
}
