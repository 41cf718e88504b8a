import System

/// What a client has open, under numbers that it cannot guess.
struct HandleTable {
  enum Handle {
    case file(OpenFile)
    case directory(OpenDirectory)
  }

  /// How many may be open.
  let limit: Int

  private var handles: [UInt64: Handle] = [:]
  /// Random numbers that were not used yet.
  private var numbers: [UInt64] = []

  /// - Parameter limit: cut to what this process has descriptors for.
  init(limit: Int) {
    let descriptors = ResourceLimit.openFilesNow
    self.limit = max(1, min(limit, Int(clamping: descriptors) - 24))
  }

  var isFull: Bool { handles.count >= limit }

  /// The name under which the client has `handle` from now on: 8 bytes.
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

  func find(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> Handle {
    guard let handle = handles[try HandleTable.number(name)] else { throw .noSuchHandle }
    return handle
  }

  func file(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> OpenFile {
    guard case .file(let file) = try find(name) else { throw .noSuchHandle }
    return file
  }

  func directory(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> OpenDirectory {
    guard case .directory(let directory) = try find(name) else { throw .noSuchHandle }
    return directory
  }

  mutating func remove(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> Handle {
    guard let handle = handles.removeValue(forKey: try HandleTable.number(name)) else { throw .noSuchHandle }
    return handle
  }

  private static func number(_ name: ArraySlice<UInt8>) throws(SFTPFailure) -> UInt64 {
    guard name.count == 8 else { throw .noSuchHandle }
    return name.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
