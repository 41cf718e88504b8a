import Glibc
import System

/// A regular file, opened for reading, and what it says about itself.
struct RegularFile {
  /// Open for reading.
  let descriptor: Descriptor
  /// The permission bits.
  let mode: mode_t
  /// Opens `path`; throws the reason alone, as `No such file or directory`. A FIFO or a device, which could
  /// block, is refused.
  init(_ path: String) throws(Unreadable) {
    do throws(SystemError) {
      descriptor = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    } catch {
      throw Unreadable(reason: SystemError.message(error.code), code: error.code)
    }
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else {
      throw Unreadable(reason: SystemError.message(errno), code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Unreadable(reason: "not a regular file", code: nil) }
    mode = status.st_mode & 0o7777
  }

  /// Why a file cannot be read.
  struct Unreadable: Error {
    var reason: String
    /// The value of `errno`, where that is the reason.
    var code: Int32?
  }

  /// True when its group or others may read it.
  var isReadableByOthers: Bool { mode & 0o044 != 0 }

  /// Why others than this process's user, or root, can have written it, or put it there; nil: they cannot.
  var distrust: String? { PathTrust(user: geteuid()).fault(of: descriptor) }

  /// Everything that is in it, unless that is more than `limit` bytes.
  func bytes(limit: Int) throws(Unreadable) -> [UInt8] {
    let bytes: [UInt8]?
    do throws(SystemError) { bytes = try descriptor.readAll(limit: limit) } catch {
      throw Unreadable(reason: SystemError.message(error.code), code: error.code)
    }
    guard let bytes else { throw Unreadable(reason: "longer than \(limit) bytes", code: nil) }
    return bytes
  }
}
