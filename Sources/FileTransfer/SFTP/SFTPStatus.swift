import Glibc
import System

/// What a reply says about a request. draft-ietf-secsh-filexfer-02, section 7
enum SFTPStatus: UInt32 {
  case ok = 0
  case endOfFile = 1
  case noSuchFile = 2
  case permissionDenied = 3
  case failure = 4
  case badMessage = 5
  case unsupported = 8
}

/// A request that is answered with a status and no more.
struct SFTPFailure: Error, Equatable {
  let status: SFTPStatus
  /// For a person.
  let message: String

  init(_ status: SFTPStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  /// The status that clients know for this error of the system.
  init(_ error: FileError) {
    switch error {
    case .system(let error):
      let status: SFTPStatus =
        switch error.code {
        case ENOENT, ENOTDIR, ELOOP: .noSuchFile
        case EPERM, EACCES, EROFS: .permissionDenied
        case EINVAL, ENAMETOOLONG: .badMessage
        case ENOSYS, EOPNOTSUPP: .unsupported
        default: .failure
        }
      self.init(status, SystemError.message(error.code))
    case .denied: self.init(.permissionDenied, "Permission denied")
    case .readOnly: self.init(.permissionDenied, "Only reading is allowed")
    }
  }

  static let noSuchHandle = SFTPFailure(.failure, "No such handle")
}

/// What ends a session: the client does not speak the protocol, and what follows cannot be understood.
public enum SFTPViolation: Error, Equatable, Sendable {
  /// A packet with this length in bytes, of which at least 1 and at most ``SFTPPackets/limit`` are allowed.
  case badLength(UInt32)
  /// A packet of this type does not hold what it must, or more.
  case malformed(type: UInt8)
  /// The first packet must be INIT.
  case notInitialized(type: UInt8)
  /// The client went away in the middle of a packet.
  case cutOff
}
