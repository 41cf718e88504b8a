import Glibc
import System

extension RootedFileSystem {
  /// Makes a directory; the umask takes its part of `mode`.
  public func makeDirectory(_ path: [UInt8], mode: UInt32 = 0o777) throws(FileError) {
    try attempt(.makeDirectory, [path]) { () throws(FileError) in
      try requireWritable()
      let entry = try paths.entry(path)
      try ask(.makeDirectory, [entry.path], size: nil)
      try system { () throws(SystemError) in try entry.parent.makeDirectory(entry.name, mode: mode & 0o7777) }
      observer?.record(.made(path: entry.path))
    }
  }

  /// Removes what is no directory; a link itself, not what it leads to.
  public func removeFile(_ path: [UInt8]) throws(FileError) {
    try attempt(.delete, [path]) { () throws(FileError) in
      try requireWritable()
      let entry = try paths.entry(path)
      try ask(.delete, [entry.path], size: size(of: entry))
      try system { () throws(SystemError) in try entry.parent.removeFile(entry.name) }
      observer?.record(.deleted(path: entry.path, directory: false))
    }
  }

  /// Removes an empty directory.
  public func removeDirectory(_ path: [UInt8]) throws(FileError) {
    try attempt(.delete, [path]) { () throws(FileError) in
      try requireWritable()
      let entry = try paths.entry(path)
      try ask(.delete, [entry.path], size: nil)
      try system { () throws(SystemError) in try entry.parent.removeDirectory(entry.name) }
      observer?.record(.deleted(path: entry.path, directory: true))
    }
  }

  /// Gives an entry another place.
  ///
  /// - Parameter replacing: whether what has the new name is replaced; else that is an error (EEXIST).
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

  /// Gives a file a second name; a link is not followed.
  public func makeHardLink(_ path: [UInt8], at newPath: [UInt8]) throws(FileError) {
    try attempt(.makeLink, [path, newPath]) { () throws(FileError) in
      try requireWritable()
      let (from, to) = (try paths.entry(path), try paths.entry(newPath))
      try ask(.makeLink, [from.path, to.path], size: size(of: from))
      try system { () throws(SystemError) in try from.parent.link(from.name, in: to.parent, to.name) }
      observer?.record(.linked(path: to.path, target: from.path, symbolic: false))
    }
  }

  /// Makes a symbolic link with the text `target`, which may lead nowhere.
  public func makeSymbolicLink(_ path: [UInt8], to target: [UInt8]) throws(FileError) {
    try attempt(.makeLink, [path]) { () throws(FileError) in
      try requireWritable()
      let entry = try paths.entry(path)
      try ask(.makeLink, [entry.path], size: nil)
      try system { () throws(SystemError) in try entry.parent.makeSymbolicLink(entry.name, to: target) }
      observer?.record(.linked(path: entry.path, target: target, symbolic: true))
    }
  }

  /// Not all file systems can refuse to replace (EINVAL): there a second name is made, which cannot replace either.
  /// Directories have no second names: they replace nothing but an empty directory.
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
          // It keeps the one name that it had.
          try? to.parent.removeFile(to.name)
          throw error
        }
      }
    }
  }

  private func size(of entry: DirectoryEntry) -> UInt64? {
    guard gate.judgesSizes else { return nil }
    return (try? entry.parent.attributes(ofEntry: entry.name))?.regularSize
  }
}
