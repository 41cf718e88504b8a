import CLinux
import Glibc

/// An executable file that is kept open, so that processes are started from this very file also after another one has
/// taken its name, or the name is gone.
///
/// Bytes that are written into the file itself are not kept out: whoever installs a program writes a new file and renames
/// it, or removes the old one first, as install(1) and dpkg(1) do. A script cannot be started this way, because its
/// interpreter would have to open it again.
///
/// The new process is named after a number (before Linux 6.14) until it calls ``ThisProcess/setName(_:)``.
public struct Executable: Sendable {
  /// Where it was found, for messages.
  public let path: String
  /// Close-on-exec: no process that is started has it. open(2), O_PATH
  public let descriptor: Descriptor

  /// The last part of its path.
  public var name: String { String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]) }

  /// An executable that another process has opened.
  public init(path: String, descriptor: Descriptor) { (self.path, self.descriptor) = (path, descriptor) }

  /// Opens what `path` names now; throws when it is not there, or not executable. access(2), open(2)
  public static func open(_ path: String) throws(SystemError) -> Executable {
    try check("open \(path)") { access(path, X_OK) }
    return Executable(path: path, descriptor: try Descriptor.open(path, clinux_path_only))
  }

  /// The one that this process runs. /proc/self/exe
  public static func ofThisProcess() throws(SystemError) -> Executable {
    Executable(
      path: try ProcessEnvironment.executable(), descriptor: try Descriptor.open("/proc/self/exe", clinux_path_only))
  }
}
