import Authentication
import Glibc
import System

/// Writes a private key to a file, and its public key to `.pub` beside it.
public enum HostKeyFile {
  /// Writes both files: the private key with mode 0600, the public key with mode 0644.
  ///
  /// Each file is whole or not there. At no moment, not even after a crash, is a public key beside the private key of
  /// another pair: an old public key is removed before the private key is replaced. Without `force`, existing files are
  /// not replaced, even if one is created concurrently.
  ///
  /// - Throws: `CredentialError.exists` if a file exists under either name and `force` is false, `file` if a file
  ///   operation fails, `library` if the key cannot be encoded.
  public static func write(_ key: HostKey, to path: String, force: Bool) throws(CredentialError) {
    try write(key, to: path, force: force) {}
  }

  /// - Parameter step: is called after each change that others can see.
  static func write(
    _ key: HostKey, to path: String, force: Bool, after step: () -> Void
  ) throws(CredentialError) {
    var secret = try key.fileContent()
    defer { Secret.wipe(&secret) }
    let publicPath = path + ".pub"
    if !force {
      for path in [path, publicPath] where access(path, F_OK) == 0 { throw .exists(path) }
    }
    let temporary = try write(secret, for: path, mode: 0o600)
    defer { unlink(temporary) }
    let publicTemporary = try write(key.publicFileContent, for: publicPath, mode: 0o644)
    defer { unlink(publicTemporary) }
    if force {
      if unlink(publicPath) != 0, errno != ENOENT { throw .file(publicPath, SystemError.last("remove").description) }
      try synchronizeFolder(of: path)
      step()
    }
    try place(temporary, at: path, force: force)
    do throws(CredentialError) {
      try synchronizeFolder(of: path)
      step()
      try place(publicTemporary, at: publicPath, force: force)
      try synchronizeFolder(of: path)
    } catch {
      // Somebody else's public key may be there by now.
      if !force { unlink(path) }
      throw error
    }
    step()
  }

  /// Writes a new temporary file beside `path`; returns its path.
  private static func write(_ content: [UInt8], for path: String, mode: mode_t) throws(CredentialError) -> String {
    let temporary = "\(path).\(getpid()).new"
    do throws(SystemError) {
      let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
      var isKept = false
      defer { if !isKept { unlink(temporary) } }
      // Sets the mode independently of the umask.
      if fchmod(file.rawValue, mode) != 0 { throw .last("chmod") }
      try file.writeAll(content)
      if fsync(file.rawValue) != 0 { throw .last("sync") }
      isKept = true
      return temporary
    } catch { throw .file(path, error.description) }
  }

  /// Gives a temporary file its name; without `force` only if no file has it.
  private static func place(_ temporary: String, at path: String, force: Bool) throws(CredentialError) {
    if force {
      if rename(temporary, path) != 0 { throw .file(path, SystemError.last("rename").description) }
    } else if link(temporary, path) != 0 {
      // link(2) does not replace an existing file.
      throw errno == EEXIST ? .exists(path) : .file(path, SystemError.last("link").description)
    }
  }

  /// Has the names of files in the directory of `path` written to the disk.
  private static func synchronizeFolder(of path: String) throws(CredentialError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    do throws(SystemError) {
      let directory = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
      if fsync(directory.rawValue) != 0 { throw .last("sync") }
    } catch { throw .file(path, error.description) }
  }
}
