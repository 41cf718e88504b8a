import Glibc
import System

extension RootedFileSystem {
  /// Creates a directory with the permission bits `mode`, less the umask. mkdir(2)
  ///
  /// - Throws: `.readOnly`, `.denied`, or `.system`, with EEXIST when the name exists.
  public func makeDirectory(_ path: [UInt8], mode: UInt32 = 0o777) throws(FileError) {
    try attempt(.makeDirectory, [path]) { () throws(FileError) in
      try requireWritable()
      let entry = try paths.entry(path)
      try ask(.makeDirectory, [entry.path], size: nil)
      try system { () throws(SystemError) in try entry.parent.makeDirectory(entry.name, mode: mode & 0o7777) }
      observer?.record(.made(path: entry.path))
    }
  }

  /// Removes anything except a directory; a symbolic link itself, not its target. unlink(2)
  ///
  /// - Throws: `.readOnly`, `.denied`, or `.system`, with EISDIR for a directory.
  public func removeFile(_ path: [UInt8]) throws(FileError) {
    try attempt(.delete, [path]) { () throws(FileError) in
      try requireWritable()
      let entry = try paths.entry(path)
      try ask(.delete, [entry.path], size: size(of: entry))
      try system { () throws(SystemError) in try entry.parent.removeFile(entry.name) }
      observer?.record(.deleted(path: entry.path, directory: false))
    }
  }

  /// Removes an empty directory. rmdir(2)
  ///
  /// - Throws: `.readOnly`, `.denied`, or `.system`, with ENOTEMPTY when the directory is not empty.
  public func removeDirectory(_ path: [UInt8]) throws(FileError) {
    try attempt(.delete, [path]) { () throws(FileError) in
      try requireWritable()
      let entry = try paths.entry(path)
      try ask(.delete, [entry.path], size: nil)
      try system { () throws(SystemError) in try entry.parent.removeDirectory(entry.name) }
      observer?.record(.deleted(path: entry.path, directory: true))
    }
  }

  /// Renames a file or directory. rename(2)
  ///
  /// - Parameter replacing: whether an existing `newPath` is replaced.
  /// - Throws: `.readOnly`, `.denied`, or `.system`, with EEXIST when `newPath` exists and is not replaced.
  public func rename(_ path: [UInt8], to newPath: [UInt8], replacing: Bool) throws(FileError) {
    try attempt(.rename, [path, newPath]) { () throws(FileError) in
      try requireWritable()
      let (from, to) = (try paths.entry(path), try paths.entry(newPath))
      try ask(.rename, [from.path, to.path], size: size(of: from))
      try system { () throws(SystemError) in
        if replacing {
          try from.parent.rename(from.name, to: to.parent, to.name)
        } else {
          try renameToNew(from, to)
        }
      }
      observer?.record(.renamed(from: from.path, to: to.path))
    }
  }

  /// Creates a second name for a file; a symbolic link is not followed. link(2)
  ///
  /// - Throws: `.readOnly`, `.denied`, or `.system`, with EEXIST when `newPath` exists.
  public func makeHardLink(_ path: [UInt8], at newPath: [UInt8]) throws(FileError) {
    try attempt(.makeLink, [path, newPath]) { () throws(FileError) in
      try requireWritable()
      let (from, to) = (try paths.entry(path), try paths.entry(newPath))
      try ask(.makeLink, [from.path, to.path], size: size(of: from))
      try system { () throws(SystemError) in try from.parent.link(from.name, in: to.parent, to.name) }
      observer?.record(.linked(path: to.path, target: from.path, symbolic: false))
    }
  }

  /// Creates a symbolic link with the text `target`, which need not exist. symlink(2)
  ///
  /// - Throws: `.readOnly`, `.denied`, or `.system`, with EEXIST when `path` exists.
  public func makeSymbolicLink(_ path: [UInt8], to target: [UInt8]) throws(FileError) {
    try attempt(.makeLink, [path]) { () throws(FileError) in
      try requireWritable()
      let entry = try paths.entry(path)
      try ask(.makeLink, [entry.path], size: nil)
      try system { () throws(SystemError) in try entry.parent.makeSymbolicLink(entry.name, to: target) }
      observer?.record(.linked(path: entry.path, target: target, symbolic: true))
    }
  }

  /// Some file systems do not support RENAME_NOREPLACE (EINVAL). There a file gets a second name, which cannot replace
  /// anything either, and loses the first. A directory cannot have two names; rename(2) replaces nothing but an empty
  /// one.
  private func renameToNew(_ from: DirectoryEntry, _ to: DirectoryEntry) throws(SystemError) {
    do throws(SystemError) {
      try from.parent.renameToNew(from.name, in: to.parent, to.name)
    } catch {
      guard error.code == EINVAL else { throw error }
      if try from.parent.attributes(ofEntry: from.name).kind == .directory {
        if (try? to.parent.attributes(ofEntry: to.name)) != nil { throw SystemError("rename", code: EEXIST) }
        try from.parent.rename(from.name, to: to.parent, to.name)
      } else {
        try from.parent.link(from.name, in: to.parent, to.name)
        do throws(SystemError) {
          try from.parent.removeFile(from.name)
        } catch {
          // The file keeps its first name only.
          try? to.parent.removeFile(to.name)
          throw error
        }
      }
    }
  }

  private func size(of entry: DirectoryEntry) -> UInt64? {
    guard gate.checksSizes else { return nil }
    return (try? entry.parent.attributes(ofEntry: entry.name))?.regularSize
  }
}
