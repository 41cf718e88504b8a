import CLinux
import Glibc

/// What this process is and where it is.
public enum ThisProcess {
  /// Whose rights it has. geteuid(2)
  public static var user: uid_t { geteuid() }

  /// Makes `path` the directory in which it is and its children start. chdir(2)
  public static func enter(_ path: String) throws(SystemError) {
    try check("chdir \(path)") { chdir(path) }
  }

  /// Makes this process the leader of a new session without a terminal. setsid(2)
  public static func leadSession() throws(SystemError) { try check("setsid") { setsid() } }

  /// Closes every descriptor over 2 but `kept`. `forgotten` owns one of those closed, and is never to close it again:
  /// its number may be somebody else's by then.
  public static func keepOnly(_ kept: Descriptor, forgetting forgotten: Descriptor) throws(SystemError) {
    _ = Unmanaged.passRetained(forgotten)
    let number = kept.rawValue
    if number > 3 { try check("close_range") { clinux_close_range(3, UInt32(number - 1)) } }
    try check("close_range") { clinux_close_range(UInt32(number + 1), .max) }
  }
}
