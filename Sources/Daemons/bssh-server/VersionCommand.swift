import CBuild
import Credentials
import System

/// `version`: our version, and those of the libraries whose vulnerabilities concern us.
enum VersionCommand {
  /// The first line is our version alone.
  static var text: String {
    """
    bssh-server \(version)
    libssh \(String(cString: cbuild_libssh())), built in (libssh-dev \(String(cString: cbuild_libssh_package())))
    \(LibCrypto.version), of this system
    commit \(String(cString: cbuild_commit()))

    """
  }
}
