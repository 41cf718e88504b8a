import Glibc
import System

/// Performs `scp -t`: creates the files that a client sends.
struct SCPSink {
  private let files: RootedFileSystem
  private let connection: SCPConnection
  private let preserves: Bool
  private let maxFileSize: UInt64?
  private var machine: SCPSinkMachine
  /// The directories entered and not yet left; the first is the target if that is a directory.
  private var directories: [Directory] = []
  private let target: [UInt8]
  private var file: Receiving?

  private struct Directory {
    var path: [UInt8]
    var times: FileTimes?
    /// Permission bits to set at the end; nil keeps the current ones.
    var mode: UInt32?
  }

  private struct Receiving {
    var file: OpenFile
    var entry: SCPEntry
    var times: FileTimes?
    /// True when the file did not exist before.
    var isNew: Bool
    var offset: UInt64 = 0
    var failure: FileError?
  }

  init(
    _ target: [UInt8], files: RootedFileSystem, connection: SCPConnection, isRecursive: Bool, preserves: Bool,
    maxFileSize: UInt64?
  ) {
    self.target = target
    self.files = files
    self.connection = connection
    self.preserves = preserves
    self.maxFileSize = maxFileSize
    machine = SCPSinkMachine(isRecursive: isRecursive)
  }

  /// Receives until the end of the client's input.
  ///
  /// - Throws: what ended the transfer.
  mutating func run(needsDirectory: Bool) throws(SCPFailure) {
    if isDirectory(target) {
      directories = [Directory(path: target)]
    } else if needsDirectory {
      try connection.complain(target, SystemError.message(ENOTDIR))
      return
    }
    try connection.acknowledge()
    while var input = try connection.receive() {
      while let action = try next(&input) { try perform(action) }
    }
    do throws(SCPViolation) { try machine.end() } catch { throw .violation(error) }
  }

  private mutating func next(_ input: inout ArraySlice<UInt8>) throws(SCPFailure) -> SCPSinkMachine.Action? {
    do throws(SCPViolation) { return try machine.next(&input) } catch { throw .violation(error) }
  }

  private mutating func perform(_ action: SCPSinkMachine.Action) throws(SCPFailure) {
    switch action {
    case .acknowledge: try connection.acknowledge()
    case .file(let entry, let times): try begin(entry, times)
    case .data(let bytes): write(bytes)
    case .fileEnded(let problem): try end(problem: problem)
    case .directory(let entry, let times): try enter(entry, times)
    case .directoryEnded: try leave()
    case .problem(let message, let isFatal):
      connection.recordFailure(message)
      if isFatal { throw .fatal }
    }
  }

  private func path(of entry: SCPEntry) -> [UInt8] {
    guard let directory = directories.last else { return target }
    return directory.path + (directory.path.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]) + entry.name
  }

  private func isDirectory(_ path: [UInt8]) -> Bool {
    guard let directory = try? files.attributes(path, following: true) else { return false }
    return directory.kind == .directory
  }

  // MARK: Files

  private mutating func begin(_ entry: SCPEntry, _ times: FileTimes?) throws(SCPFailure) {
    let path = path(of: entry)
    do throws(FileError) {
      if let maxFileSize, entry.size > maxFileSize { throw .system(SystemError("write", code: EFBIG)) }
      try files.askToUpload(path, size: entry.size)
      file = try open(path, entry, times)
    } catch {
      machine.answer(accepted: false)
      try connection.complain(path, error.reason)
      return
    }
    machine.answer(accepted: true)
    try connection.acknowledge()
  }

  private func open(_ path: [UInt8], _ entry: SCPEntry, _ times: FileTimes?) throws(FileError) -> Receiving {
    // The owner needs write permission while the file is written; set-user-ID and set-group-ID are never set.
    let mode = entry.mode & 0o777 | 0o200
    do throws(FileError) {
      let file = try files.open(path, [.write, .create, .exclusive], mode: mode)
      return Receiving(file: file, entry: entry, times: times, isNew: true)
    } catch {
      guard case .system(let error) = error, error.code == EEXIST else { throw error }
    }
    // Not truncated, because the source may be the same file; its size is set at the end.
    let file = try files.open(path, [.write, .create], mode: mode)
    return Receiving(file: file, entry: entry, times: times, isNew: false)
  }

  private mutating func write(_ bytes: ArraySlice<UInt8>) {
    guard var current = file, current.failure == nil else { return }
    do throws(FileError) {
      try current.file.write(bytes, offset: current.offset)
      current.offset += UInt64(bytes.count)
    } catch {
      current.failure = error
    }
    file = current
  }

  private mutating func end(problem: [UInt8]?) throws(SCPFailure) {
    guard let current = file else { return }
    file = nil
    if let problem { connection.recordFailure(problem) }
    do throws(FileError) {
      if let failure = current.failure { throw failure }
      try finish(current)
      // If the client could not read its file, ours is incomplete: not closed, it counts as broken off.
      if problem == nil { try current.file.close() }
    } catch {
      try connection.complain(current.file.path, error.reason)
      return
    }
    try connection.acknowledge()
  }

  private func finish(_ current: Receiving) throws(FileError) {
    let now = try current.file.attributes()
    var change = FileChange()
    if now.kind == .regular, now.size != current.entry.size { change.size = current.entry.size }
    let wanted = current.entry.mode & 0o777
    if preserves, now.permissions != wanted { change.permissions = wanted }
    if !preserves, current.isNew, now.permissions & ~wanted != 0 { change.permissions = now.permissions & wanted }
    change.times = current.times
    if !change.isEmpty { try files.change(current.file, change) }
  }

  // MARK: Directories

  private mutating func enter(_ entry: SCPEntry, _ times: FileTimes?) throws(SCPFailure) {
    let path = path(of: entry)
    var directory = Directory(path: path, times: times)
    do throws(FileError) {
      let wanted = entry.mode & 0o777
      if try make(path, mode: wanted | 0o700) {
        let got = try files.attributes(path, following: true).permissions
        if preserves {
          directory.mode = got == wanted ? nil : wanted
        } else if wanted & 0o700 != 0o700 {
          directory.mode = got & wanted
        }
      } else if preserves {
        try files.change(path, FileChange(permissions: wanted), following: true)
      }
    } catch {
      machine.answer(accepted: false)
      try connection.complain(path, error.reason)
      return
    }
    machine.answer(accepted: true)
    directories.append(directory)
    try connection.acknowledge()
  }

  /// False when the directory already existed.
  private func make(_ path: [UInt8], mode: UInt32) throws(FileError) -> Bool {
    do throws(FileError) {
      try files.makeDirectory(path, mode: mode)
      return true
    } catch {
      guard case .system(let error) = error, error.code == EEXIST else { throw error }
    }
    guard isDirectory(path) else { throw .system(SystemError("mkdir", code: ENOTDIR)) }
    return false
  }

  private mutating func leave() throws(SCPFailure) {
    guard let directory = directories.popLast() else { return }
    let change = FileChange(permissions: directory.mode, times: directory.times)
    do throws(FileError) {
      if !change.isEmpty { try files.change(directory.path, change, following: true) }
    } catch {
      try connection.complain(directory.path, error.reason)
      return
    }
    try connection.acknowledge()
  }
}

extension RootedFileSystem {
  /// Asks the gate whether a file may have the announced size, before anything is created or written.
  fileprivate func askToUpload(_ path: [UInt8], size: UInt64) throws(FileError) {
    try attempt(.upload, [path]) { () throws(FileError) in try requireWritable() }
    let resolved: [UInt8]
    do throws(FileError) {
      resolved = try paths.path(of: try paths.find(path, following: true))
    } catch {
      guard error.isMissingFile else { throw error }
      resolved = try paths.entry(path).path
    }
    try ask(.upload, [resolved], size: size)
  }
}
