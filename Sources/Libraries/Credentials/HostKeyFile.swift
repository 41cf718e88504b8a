import Authentication
import Glibc
import System

/// Writes a private key to a file, and its public key to `.pub` beside it.
public enum HostKeyFile {
  /// Writes both files, each atomically: the private key with mode 0600, the public key with mode 0644.
  ///
  /// Without `force`, existing files are not replaced, even if one is created concurrently.
  ///
  /// - Throws: `CredentialError.exists` if a file exists under either name and `force` is false, `file` if a file
  ///   operation fails, `library` if the key cannot be encoded.
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
      // Sets the mode independently of the umask.
      if fchmod(file.rawValue, mode) != 0 { throw .last("chmod") }
      try file.writeAll(content)
      if fsync(file.rawValue) != 0 { throw .last("sync") }
      if force {
        if rename(temporary, path) != 0 { throw .last("rename") }
        isKept = true
      } else {
        // link(2) does not replace an existing file.
        if link(temporary, path) != 0 { throw .last("link") }
      }
    } catch {
      throw error.code == EEXIST && error.operation == "link" ? .exists(path) : .file(path, error.description)
    }
  }
}
