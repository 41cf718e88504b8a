import CBuild
import Credentials
import IPC

/// `version`: ours, and of what is inside that has faults of its own.
enum VersionCommand {
  /// The first line is the version alone.
  static var text: String {
    """
    bssh-server \(version)
    libssh \(String(cString: cbuild_libssh())), built in (libssh-dev \(String(cString: cbuild_libssh_package())))
    \(LibCrypto.version), of this system
    commit \(String(cString: cbuild_commit()))

    """
  }
}
