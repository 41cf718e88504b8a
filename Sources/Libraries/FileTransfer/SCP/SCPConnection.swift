import Glibc
import System

/// Why an SCP transfer cannot continue.
enum SCPFailure: Error, Equatable, Sendable {
  /// The client violated the protocol.
  case violation(SCPViolation)
  /// The client aborted and said so.
  case fatal
  /// The connection to the client is lost.
  case lost
}

/// The connection to the client: sends, receives and reads responses. Blocks without a limit of time. Owns both
/// descriptors.
final class SCPConnection {
  /// Bytes per read or write.
  static let chunk = 256 << 10

  private let input: Descriptor
  private let output: Descriptor
  private let observer: (any FileObserver)?
  private var buffer = [UInt8](repeating: 0, count: chunk)
  private var responses = SCPResponseMachine()
  /// The received bytes that were not consumed.
  private var rest: Range<Int> = 0..<0
  /// True when either side reported an error.
  private(set) var hasFailed = false

  /// - Parameter observer: informed before the client is waited for.
  init(input: Descriptor, output: Descriptor, observer: (any FileObserver)? = nil) {
    self.input = input
    self.output = output
    self.observer = observer
  }

  /// Sends all bytes.
  ///
  /// - Throws: `.lost` when the client does not receive them.
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

  /// Sends the response that all is well.
  ///
  /// - Throws: `.lost`
  func acknowledge() throws(SCPFailure) { try send([0]) }

  /// Reports an error about a path to the client, which continues with the next file.
  ///
  /// - Throws: `.lost`
  func complain(_ path: [UInt8], _ reason: String) throws(SCPFailure) {
    try complain("\(shown(path)): \(reason)")
  }

  /// Reports an error to the client.
  ///
  /// - Throws: `.lost`
  func complain(_ message: String) throws(SCPFailure) {
    hasFailed = true
    // The rest of a longer message would not help.
    try send([1] + Array("scp: \(message)".utf8).prefix(4096) + [UInt8(ascii: "\n")])
  }

  /// Notes that the client reported an error.
  func recordFailure(_ message: [UInt8]) { hasFailed = true }

  /// Waits for the client's response; true when it accepted what was sent.
  ///
  /// - Throws: `.violation` for bytes that are not a response, `.fatal` when the client aborts, `.lost` at the end of
  ///   input.
  func isAccepted() throws(SCPFailure) -> Bool {
    while true {
      var unread = buffer[rest]
      let response: SCPResponseMachine.Response?
      do throws(SCPViolation) { response = try responses.next(&unread) } catch { throw .violation(error) }
      rest = unread.startIndex..<unread.endIndex
      switch response {
      case .accepted: return true
      case .refused(let message):
        recordFailure(message)
        return false
      case .fatal(let message):
        recordFailure(message)
        throw .fatal
      case nil: guard try fill() else { throw .lost }
      }
    }
  }

  /// Waits for the next bytes of the client; nil at the end of input.
  ///
  /// - Throws: `.lost` when reading fails.
  func receive() throws(SCPFailure) -> ArraySlice<UInt8>? {
    if rest.isEmpty, try !fill() { return nil }
    defer { rest = rest.endIndex..<rest.endIndex }
    return buffer[rest]
  }

  /// Waits for more when everything was consumed; false at the end of input.
  private func fill() throws(SCPFailure) -> Bool {
    observer?.pause(waitingFor: input)
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
