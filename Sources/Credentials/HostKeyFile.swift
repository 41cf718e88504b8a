import Authentication
import Glibc
import System

/// Puts a private key into a file, and its public half into `.pub` beside it.
public enum HostKeyFile {
  /// Writes both files, each whole or not at all: the key readable by its owner only, `.pub` by all.
  ///
  /// Without `force` a file that exists under either name stays, and `exists` is thrown, even if it appears meanwhile.
  public static func write(_ key: HostKey, to path: String, force: Bool) throws(CredentialError) {
    var secret = try key.fileContent()
    defer { Secret.wipe(&secret) }
    if !force {
      for path in [path, path + ".pub"] where access(path, F_OK) == 0 { throw .exists(path) }
    }
    try write(secret, to: path, mode: 0o600, force: force)
    try write(key.publicFileContent, to: path + ".pub", mode: 0o644, force: force)
  }

  private static func write(_ content: [UInt8], to path: String, mode: mode_t, force: Bool) throws(CredentialError) {
    let temporary = "\(path).\(getpid()).new"
    do throws(SystemError) {
      let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
      var isKept = false
      defer { if !isKept { unlink(temporary) } }
      // The mode that was asked for, whatever the umask says.
      if fchmod(file.rawValue, mode) != 0 { throw .last("chmod") }
      try file.writeAll(content)
      if fsync(file.rawValue) != 0 { throw .last("sync") }
      if force {
        if rename(temporary, path) != 0 { throw .last("rename") }
        isKept = true
      } else {
        // link(2) does not replace what is there.
        if link(temporary, path) != 0 { throw .last("link") }
      }
    } catch {
      throw error.code == EEXIST && error.operation == "link" ? .exists(path) : .file(path, error.description)
    }
  }
}
