import Glibc
import System

/// A regular file that is open for reading, and its attributes.
struct RegularFile {
  /// Open for reading; closed with this value.
  let descriptor: Descriptor
  /// The permission bits.
  let mode: mode_t
  /// Opens `path`.
  ///
  /// - Throws: ``Unreadable`` with the reason alone, such as `No such file or directory`; also for a FIFO or a device,
  ///   which could block.
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
    /// The value of `errno`, if that is the reason.
    var code: Int32?
  }

  /// True if its group or others can read it.
  var isReadableByOthers: Bool { mode & 0o044 != 0 }

  /// Why others than this process's user or root could have written or placed it; nil: they could not.
  var distrust: String? { PathTrust(user: geteuid(), allowsSticky: true).words(on: descriptor) }

  /// The whole contents.
  ///
  /// - Throws: ``Unreadable`` if they exceed `limit` bytes or cannot be read.
  func bytes(limit: Int) throws(Unreadable) -> [UInt8] {
    let bytes: [UInt8]?
    do throws(SystemError) { bytes = try descriptor.readAll(limit: limit) } catch {
      throw Unreadable(reason: SystemError.message(error.code), code: error.code)
    }
    guard let bytes else { throw Unreadable(reason: "longer than \(limit) bytes", code: nil) }
    return bytes
  }
}
