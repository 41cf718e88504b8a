import System

/// The open files and directories of a client, by handles that cannot be guessed.
struct HandleTable {
  /// What a handle refers to.
  enum Handle {
    case file(OpenFile)
    case directory(OpenDirectory)
  }

  /// Most handles that may be open.
  let limit: Int

  private var handles: [UInt64: Handle] = [:]
  /// Random numbers that were not used yet.
  private var numbers: [UInt64] = []

  /// - Parameter limit: reduced to what the process has descriptors for.
  init(limit: Int) {
    let descriptors = ResourceLimit.openFilesNow
    self.limit = max(1, min(limit, Int(clamping: descriptors) - 24))
  }

  /// True when no handle can be added.
  var isFull: Bool { handles.count >= limit }

  /// Adds a file or directory; returns its handle of 8 bytes.
  ///
  /// - Throws: `.system` when the kernel gives no random numbers.
  mutating func add(_ handle: Handle) throws(FileError) -> [UInt8] {
    while true {
      guard let number = numbers.popLast() else {
        numbers = try system { () throws(SystemError) in try SecureRandom.numbers(32) }
        continue
      }
      guard handles[number] == nil else { continue }
      handles[number] = handle
      return (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }
  }

  /// The file or directory of a handle.
  ///
  /// - Throws: `.noSuchHandle`
  func find(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> Handle {
    guard let handle = handles[try HandleTable.number(name)] else { throw .noSuchHandle }
    return handle
  }

  /// The file of a handle.
  ///
  /// - Throws: `.noSuchHandle`, also for the handle of a directory.
  func file(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> OpenFile {
    guard case .file(let file) = try find(name) else { throw .noSuchHandle }
    return file
  }

  /// The directory of a handle.
  ///
  /// - Throws: `.noSuchHandle`, also for the handle of a file.
  func directory(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> OpenDirectory {
    guard case .directory(let directory) = try find(name) else { throw .noSuchHandle }
    return directory
  }

  /// Removes a handle; returns its file or directory.
  ///
  /// - Throws: `.noSuchHandle`
  mutating func remove(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> Handle {
    guard let handle = handles.removeValue(forKey: try HandleTable.number(name)) else { throw .noSuchHandle }
    return handle
  }

  private static func number(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> UInt64 {
    guard name.count == 8 else { throw .noSuchHandle }
    return name.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
