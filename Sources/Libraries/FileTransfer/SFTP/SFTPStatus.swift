import Glibc
import System

/// The status codes of SSH_FXP_STATUS. draft-ietf-secsh-filexfer-02, section 7
enum SFTPStatus: UInt32 {
  case ok = 0
  case endOfFile = 1
  case noSuchFile = 2
  case permissionDenied = 3
  case failure = 4
  case badMessage = 5
  case unsupported = 8
}

/// A request that is answered with a status other than OK.
struct SFTPFailure: Error, Equatable {
  /// The status code.
  let status: SFTPStatus
  /// For people.
  let message: String

  init(_ status: SFTPStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  /// The status code that best describes this error to clients.
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

  /// The handle is unknown, or of the other kind.
  static let noSuchHandle = SFTPFailure(.failure, "No such handle")
}

/// A violation of the protocol that ends the session, because the following bytes cannot be interpreted.
public enum SFTPViolation: Error, Equatable, Sendable {
  /// The length field of a packet is 0 or exceeds ``SFTPPackets/limit``.
  case badLength(UInt32)
  /// The content of a packet of this type is malformed or too short.
  case malformed(type: UInt8)
  /// The first packet has this type instead of INIT.
  case notInitialized(type: UInt8)
  /// The client went away in the middle of a packet.
  case cutOff
}
