import Glibc
import System

/// How a client opens a file: the flags of SSH_FXP_OPEN. draft-ietf-secsh-filexfer-02, section 6.3
public struct FileOpening: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Open for reading.
  public static let read = FileOpening(rawValue: 1)
  /// Open for writing.
  public static let write = FileOpening(rawValue: 2)
  /// Every write goes to the end of the file.
  public static let append = FileOpening(rawValue: 4)
  /// The file is created if it does not exist.
  public static let create = FileOpening(rawValue: 8)
  /// An existing file is emptied.
  public static let truncate = FileOpening(rawValue: 16)
  /// With `create`: fails if the name exists, even as a dangling symbolic link.
  public static let exclusive = FileOpening(rawValue: 32)
}

extension RootedFileSystem {
  /// Opens a file, or creates one with the permission bits `mode`, less the umask. open(2)
  ///
  /// Never blocks: a named pipe is opened without waiting for its other end. The returned object owns the descriptor.
  ///
  /// - Throws: `.readOnly` or `.denied`; `.system` with EISDIR for a directory, EEXIST with `exclusive`, ELOOP for too
  ///   many links, and the other errors of open(2).
  public func open(_ path: [UInt8], _ opening: FileOpening, mode: UInt32 = 0o666) throws(FileError) -> OpenFile {
    // open(2) with O_TRUNC or O_APPEND alone opens for reading, but O_TRUNC still changes the file.
    let writes = opening.contains(.write) || opening.contains(.truncate) || opening.contains(.create)
    return try attempt(writes ? .upload : .download, [path]) { () throws(FileError) in
      writes ? try openToWrite(path, opening, mode: mode) : try openToRead(path, opening)
    }
  }

  private func openToWrite(_ path: [UInt8], _ opening: FileOpening, mode: UInt32) throws(FileError) -> OpenFile {
    try requireWritable()
    // The fast path: most uploads create a new file. Everything else, errors included, is handled below.
    if gate.allowsEverything, opening.contains(.create),
      let made = try paths.makeDirectly(path, access(opening), mode: mode & 0o7777)
    {
      return opened(made.file, made.path, opening, size: 0)
    }
    var path = path
    // Another turn follows a dangling link, or a name that was created or deleted between two calls.
    for _ in 0..<40 {
      if !(opening.contains(.create) && opening.contains(.exclusive)) {
        do throws(FileError) {
          return try openFound(try paths.find(path, following: true), opening)
        } catch {
          guard error.isMissingFile, opening.contains(.create) else { throw error }
        }
      }
      switch try make(path, opening, mode: mode) {
      case .made(let file): return file
      case .taken: continue
      case .link(let target): path = target
      }
    }
    throw .system(SystemError("open", code: ELOOP))
  }

  /// Changes attributes of a file, or of the target of a link when `following`.
  ///
  /// All changes are tried even if one fails.
  ///
  /// - Throws: `.readOnly` or `.denied`; `.system` with the first failure, EOPNOTSUPP for permissions of a link.
  public func change(_ path: [UInt8], _ change: FileChange, following: Bool) throws(FileError) {
    try attempt(.setStatus, [path]) { () throws(FileError) in
      try requireWritable()
      let file = try paths.find(path, following: following)
      let isLink = try system { () throws(SystemError) in try file.attributes().kind == .symbolicLink }
      try apply(change, path: try paths.path(of: file)) { (part) throws(SystemError) in
        switch part {
        case .size(let size): try file.setSize(size)
        case .permissions where isLink: throw SystemError("chmod", code: EOPNOTSUPP)
        case .permissions(let permissions): try file.setPermissions(permissions)
        case .owner(let owner): try file.setOwner(owner.user, group: owner.group)
        case .times(let times): try file.setTimes(access: times.access, modification: times.modification)
        }
      }
    }
  }

  /// Changes attributes of an open file.
  ///
  /// All changes are tried even if one fails.
  ///
  /// - Throws: `.readOnly` or `.denied`; `.system` with the first failure, EINVAL for the size of a file not open for
  ///   writing.
  public func change(_ file: OpenFile, _ change: FileChange) throws(FileError) {
    try attempt(.setStatus, [file.path]) { () throws(FileError) in
      try requireWritable()
      try apply(change, path: file.path, file.descriptor)
    }
    if let size = change.size { file.sizeChanged(to: size) }
  }

  /// Changes attributes of an open directory, which has no size to change.
  ///
  /// - Throws: `.readOnly` or `.denied`; `.system` with the first failure.
  public func change(_ directory: OpenDirectory, _ change: FileChange) throws(FileError) {
    try attempt(.setStatus, [directory.path]) { () throws(FileError) in
      try requireWritable()
      try apply(change, path: directory.path, directory.stream.directory)
    }
  }

  private func apply(_ change: FileChange, path: [UInt8], _ open: Descriptor) throws(FileError) {
    try apply(change, path: path) { (part) throws(SystemError) in
      switch part {
      case .size(let size): try open.setOpenSize(size)
      case .permissions(let permissions): try open.setPermissions(permissions)
      case .owner(let owner): try open.setOwner(owner.user, group: owner.group)
      case .times(let times): try open.setTimes(access: times.access, modification: times.modification)
      }
    }
  }

  /// The order matters: a new size changes the times, and a new owner clears permission bits.
  private func apply(
    _ change: FileChange, path: [UInt8], _ body: (Part) throws(SystemError) -> Void
  ) throws(FileError) {
    if let size = change.size { try ask(.upload, [path], size: size) }
    if FileChange(size: change.size) != change || change.isEmpty { try ask(.setStatus, [path], size: nil) }
    let parts: [Part?] = [
      change.size.map { .size($0) }, change.owner.map { .owner($0) }, change.permissions.map { .permissions($0) },
      change.times.map { .times($0) },
    ]
    var failure: SystemError?
    var done = FileChange()
    for case let part? in parts {
      do throws(SystemError) {
        try body(part)
        done.take(part)
      } catch {
        failure = failure ?? error
      }
    }
    // The changes that succeeded are recorded even if others failed.
    if !done.isEmpty { observer?.record(.attributesChanged(path: path, done)) }
    if let failure { throw .system(failure) }
  }

  /// Opening for reading changes nothing, so that the file is opened first and judged before anything is read.
  private func openToRead(_ path: [UInt8], _ opening: FileOpening) throws(FileError) -> OpenFile {
    if gate.allowsEverything, let direct = try paths.openDirectly(path) {
      return opened(direct.file, direct.path, opening, size: try readable(direct.file).size)
    }
    let file = try paths.openForReading(path)
    let attributes = try readable(file)
    let path = try paths.path(of: file)
    try askToOpen(path, opening, size: attributes.regularSize)
    return opened(file, path, opening, size: attributes.size)
  }

  private func readable(_ file: Descriptor) throws(FileError) -> FileAttributes {
    let attributes = try system { () throws(SystemError) in try file.attributes() }
    if attributes.kind == .directory { throw .system(SystemError("open", code: EISDIR)) }
    return attributes
  }

  private func openFound(_ found: Descriptor, _ opening: FileOpening) throws(FileError) -> OpenFile {
    let attributes = try system { () throws(SystemError) in try found.attributes() }
    if attributes.kind == .directory { throw .system(SystemError("open", code: EISDIR)) }
    let path = try paths.path(of: found)
    try askToOpen(path, opening, size: attributes.regularSize)
    var access = access(opening)
    if opening.contains(.truncate) { access.insert(.truncate) }
    if attributes.kind != .regular { access.insert(.withoutWaiting) }
    let file = try system { () throws(SystemError) in try found.reopen(access) }
    return opened(file, path, opening, size: opening.contains(.truncate) ? 0 : attributes.size)
  }

  private enum Made {
    case made(OpenFile)
    /// The name exists by now.
    case taken
    /// The name is a symbolic link with this target.
    case link([UInt8])
  }

  private func make(_ path: [UInt8], _ opening: FileOpening, mode: UInt32) throws(FileError) -> Made {
    if path.last == UInt8(ascii: "/") { throw .system(SystemError("open", code: EISDIR)) }
    let entry = try paths.entry(path)
    try askToOpen(entry.path, opening, size: 0)
    do throws(SystemError) {
      let file = try entry.parent.makeFile(entry.name, access(opening), mode: mode & 0o7777)
      return .made(opened(file, entry.path, opening, size: 0))
    } catch {
      guard error.code == EEXIST, !opening.contains(.exclusive) else { throw .system(error) }
      guard let target = try? entry.parent.find(entry.name, following: false).linkTarget(), !target.isEmpty else {
        return .taken
      }
      return .link(target.first == UInt8(ascii: "/") ? target : entry.path.parent + target)
    }
  }

  private func askToOpen(_ path: [UInt8], _ opening: FileOpening, size: UInt64?) throws(FileError) {
    let writes = opening.contains(.write) || opening.contains(.truncate) || opening.contains(.create)
    if opening.contains(.read) || !writes { try ask(.download, [path], size: size) }
    if writes { try ask(.upload, [path], size: opening.contains(.truncate) ? 0 : size) }
  }

  private func access(_ opening: FileOpening) -> FileAccess {
    var access: FileAccess = []
    if opening.contains(.read) { access.insert(.read) }
    if opening.contains(.write) { access.insert(.write) }
    if opening.contains(.append) { access.insert(.append) }
    return access
  }

  private func opened(_ file: Descriptor, _ path: [UInt8], _ opening: FileOpening, size: UInt64) -> OpenFile {
    observer?.record(
      .opened(path: path, reading: opening.contains(.read), writing: opening.contains(.write)))
    return OpenFile(file, path: path, opening, size: size, gate: gate, observer: observer)
  }
}

/// One of the changes in a ``FileChange``.
private enum Part {
  case size(UInt64)
  case owner(FileOwner)
  case permissions(UInt32)
  case times(FileTimes)
}

extension FileChange {
  fileprivate mutating func take(_ part: Part) {
    switch part {
    case .size(let size): self.size = size
    case .owner(let owner): self.owner = owner
    case .permissions(let permissions): self.permissions = permissions
    case .times(let times): self.times = times
    }
  }
}

extension [UInt8] {
  /// The directory part of an absolute path, with its trailing slash.
  var parent: [UInt8] { Array(prefix((lastIndex(of: UInt8(ascii: "/")) ?? 0) + 1)) }
}
