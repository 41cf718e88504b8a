import Glibc
import System

/// A file that a client has open, and what went through it.
public final class OpenFile {
  /// Absolute, as the client saw it when it was opened.
  public let path: [UInt8]
  let descriptor: Descriptor
  private let opening: FileOpening
  private let gate: any TransferGate
  private let observer: (any FileObserver)?
  private let hearsAll: Bool
  private let opened = Clock.microseconds
  public private(set) var bytesRead: UInt64 = 0
  public private(set) var bytesWritten: UInt64 = 0
  /// How large the gate knows it to be.
  private var judgedSize: UInt64
  /// The first write that failed: everything after it may be right and the file still is not.
  private var failure: FileError?
  private var isFinished = false

  init(
    _ descriptor: Descriptor, path: [UInt8], _ opening: FileOpening, size: UInt64, gate: any TransferGate,
    observer: (any FileObserver)?
  ) {
    self.descriptor = descriptor
    self.path = path
    self.opening = opening
    judgedSize = size
    self.gate = gate
    self.observer = observer
    hearsAll = observer?.hearsReadsAndWrites ?? false
  }

  /// A file that nobody closed was broken off: what was sent of it may be a part.
  deinit { finish(isClosed: false) }

  /// What the file is now.
  func attributes() throws(FileError) -> FileAttributes {
    try system { () throws(SystemError) in try descriptor.attributes() }
  }

  /// How full its file system is.
  func fileSystemStatus() throws(FileError) -> FileSystemStatus {
    try system { () throws(SystemError) in try descriptor.fileSystemStatus() }
  }

  /// Reads into memory that is kept, from `position` on; 0 is the end of the file.
  public func read(
    into bytes: inout [UInt8], at position: Int, count: Int, offset: UInt64
  ) throws(FileError) -> Int {
    do throws(SystemError) {
      let n = try descriptor.read(into: &bytes, at: position, count: count, offset: offset)
      bytesRead += UInt64(n)
      if hearsAll { observer?.record(.read(path: path, offset: offset, bytes: UInt64(n))) }
      return n
    } catch {
      throw .system(error)
    }
  }

  /// Writes all of `bytes`, at the end when the file was opened for that.
  public func write(_ bytes: ArraySlice<UInt8>, offset: UInt64) throws(FileError) {
    do throws(FileError) {
      let end = offset.addingReportingOverflow(UInt64(bytes.count))
      if end.overflow { throw .system(SystemError("write", code: EFBIG)) }
      try judge(growingTo: end.partialValue, by: bytes.count)
      try system { () throws(SystemError) in
        try descriptor.write(bytes, offset: opening.contains(.append) ? nil : offset)
      }
      bytesWritten += UInt64(bytes.count)
      if hearsAll { observer?.record(.written(path: path, offset: offset, bytes: UInt64(bytes.count))) }
    } catch {
      failure = failure ?? error
      throw error
    }
  }

  /// Waits until what was written is on the disk. fsync(2)
  public func synchronize() throws(FileError) {
    try system { () throws(SystemError) in try descriptor.synchronize() }
  }

  /// Copies inside the kernel to another open file, at most `count` bytes.
  ///
  /// - Returns: how many bytes were copied; 0 at the end of this file.
  public func copy(
    from offset: UInt64, count: Int, to target: OpenFile, at targetOffset: UInt64
  ) throws(FileError) -> Int {
    let end = targetOffset.addingReportingOverflow(UInt64(max(count, 0)))
    if end.overflow { throw .system(SystemError("copy", code: EFBIG)) }
    do throws(FileError) {
      if target.gate.judgesSizes {
        let here = try attributes().size
        let wanted = min(UInt64(max(count, 0)), here > offset ? here - offset : 0)
        try target.judge(growingTo: targetOffset + wanted, by: Int(clamping: wanted))
      }
      let n = try system { () throws(SystemError) in
        try descriptor.copyRange(from: offset, count: count, to: target.descriptor, at: targetOffset)
      }
      bytesRead += UInt64(n)
      target.bytesWritten += UInt64(n)
      if hearsAll {
        observer?.record(.read(path: path, offset: offset, bytes: UInt64(n)))
        observer?.record(.written(path: target.path, offset: targetOffset, bytes: UInt64(n)))
      }
      return n
    } catch {
      target.failure = target.failure ?? error
      throw error
    }
  }

  /// Ends the use of the file; throws the first write that failed, so that nobody believes it whole.
  public func close() throws(FileError) {
    if bytesWritten > 0, failure == nil {
      do throws(SystemError) { try descriptor.finishWrites() } catch { failure = .system(error) }
    }
    finish(isClosed: true)
    if let failure { throw failure }
  }

  func sizeChanged(to size: UInt64) { judgedSize = size }

  private func judge(growingTo end: UInt64, by count: Int) throws(FileError) {
    guard gate.judgesSizes else { return }
    let size = opening.contains(.append) ? try attributes().size + UInt64(count) : end
    guard size > judgedSize else { return }
    if case .denied(let rule) = gate.check(.upload, [path], size: size) {
      observer?.record(.denied(.upload, paths: [path], rule: rule))
      throw .denied(rule: rule)
    }
    judgedSize = size
  }

  private func finish(isClosed: Bool) {
    if isFinished { return }
    isFinished = true
    let milliseconds = UInt64(max(0, (Clock.microseconds - opened) / 1000))
    observer?.record(
      .closed(path: path, bytesRead: bytesRead, bytesWritten: bytesWritten, milliseconds: milliseconds))
    if opening.contains(.write) {
      let problem = failure.map { UploadProblem.failed($0) } ?? (isClosed ? nil : .brokenOff)
      observer?.record(
        .uploaded(path: path, bytes: bytesWritten, milliseconds: milliseconds, problem: problem))
    }
    if bytesRead > 0 {
      observer?.record(.downloaded(path: path, bytes: bytesRead, milliseconds: milliseconds))
    }
  }
}
