import CLinux
import Glibc

/// An executable file that is kept open, so that processes run this very file even after another one was installed
/// under its name or the name was removed.
///
/// Does not protect against writing into the file itself: installers such as install(1) and dpkg(1) write a new file
/// and rename it, or remove the old one first. Scripts cannot be started this way, because the interpreter would have
/// to open them again.
///
/// Before Linux 6.14 the new process is named after a descriptor's number until it calls ``ThisProcess/setName(_:)``.
public struct Executable: Sendable {
  /// The path it was opened at, for messages.
  public let path: String
  /// The open file. Close-on-exec, so that no started process inherits it. open(2), O_PATH
  public let descriptor: Descriptor

  /// The last component of the path.
  public var name: String { String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]) }

  /// An executable that another process opened; `path` is for messages only.
  public init(path: String, descriptor: Descriptor) { (self.path, self.descriptor) = (path, descriptor) }

  /// Opens the executable that `path` names now. access(2), open(2)
  ///
  /// - Throws: `SystemError` with ENOENT when there is none, EACCES when it is not executable; otherwise with the errno
  ///   of access(2) or open(2).
  public static func open(_ path: String) throws(SystemError) -> Executable {
    try check("open \(path)") { access(path, X_OK) }
    return Executable(path: path, descriptor: try Descriptor.open(path, clinux_path_only))
  }

  /// The executable of this process. /proc/self/exe
  ///
  /// - Throws: `SystemError` with the errno of readlink(2) or open(2) of /proc/self/exe.
  public static func ofThisProcess() throws(SystemError) -> Executable {
    Executable(
      path: try ProcessEnvironment.executable(), descriptor: try Descriptor.open("/proc/self/exe", clinux_path_only))
  }
}
