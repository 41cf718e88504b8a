import Glibc
import System

/// Moves the bytes of one SFTP session between two descriptors and its server.
public struct SFTPSession {
  /// How a session ended.
  public enum End: Equatable, Sendable {
    /// The client closed the connection after a whole packet, or no longer receives replies.
    case finished
    /// The client violated the protocol.
    case violated(SFTPViolation)
    /// Reading or writing failed.
    case failed(SystemError)
  }

  private var server: SFTPServer
  private var packets = SFTPPackets()
  private var replies = ReplyBuffer()

  /// A session with a server that has not served yet.
  public init(_ server: SFTPServer) { self.server = server }

  /// Serves until the client closes the connection. Requests are read while replies wait to be sent, as long as there
  /// is room for both. `input` and `output` may be the same socket.
  public mutating func run(input: Descriptor, output: Descriptor) -> End {
    server.client = output
    do throws(SystemError) {
      // A socket stays blocking, because input may be the same socket; each send(2) is nonblocking by a flag instead.
      let isSocket = output.isSocket
      if !isSocket { try output.setNonBlocking() }
      var violation: SFTPViolation?
      var hasEnded = false
      while true {
        if violation == nil {
          do throws(SFTPViolation) { try server.handle(&packets, &replies) } catch { violation = error }
        }
        if !replies.isEmpty {
          switch try replies.flush(to: output, isSocket: isSocket) {
          case .bytes: continue
          case .ended: return .finished
          case .wouldBlock: break
          }
        } else if let violation {
          return .violated(violation)
        } else if hasEnded {
          return packets.isEmpty ? .finished : .violated(.cutOff)
        }
        let mayRead = !hasEnded && violation == nil && packets.room > 0
        server.files.observer?.pause(waitingFor: input)
        let isReadable =
          replies.isEmpty || Readiness.wait(reading: mayRead ? input : nil, writing: output)
        if isReadable, mayRead {
          hasEnded = try !packets.fill(from: input)
        }
      }
    } catch {
      return .failed(error)
    }
  }
}
