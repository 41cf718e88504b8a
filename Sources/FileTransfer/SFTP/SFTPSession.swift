import Glibc
import System

/// Moves the bytes of one SFTP session between two descriptors and its server.
public struct SFTPSession {
  /// How a session ended.
  public enum End: Equatable, Sendable {
    /// The client went, after all of its packets.
    case finished
    case violated(SFTPViolation)
    /// A descriptor does not work.
    case failed(SystemError)
  }

  private var server: SFTPServer
  private var packets = SFTPPackets()
  private var replies = ReplyBuffer()

  public init(_ server: SFTPServer) { self.server = server }

  /// Serves until the client goes. Requests are read while replies wait to be sent, as long as there is room for both.
  public mutating func run(input: Descriptor, output: Descriptor) -> End {
    server.client = output
    do throws(SystemError) {
      // Sockets are told with each write not to wait, as input and output may be one: reading waits where it can.
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
        server.files.observer?.rest(waitingFor: input)
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
