import Glibc
import System

/// A file that a client has open, and how much was transferred. Owns its descriptor and closes it in `deinit`.
public final class OpenFile {
  /// Absolute, as the client saw it when it opened the file.
  public let path: [UInt8]
  /// Opened with the access that the client asked for.
  let descriptor: Descriptor
  private let opening: FileOpening
  private let gate: any TransferGate
  private let observer: (any FileObserver)?
  private let observesAll: Bool
  private let opened = Clock.microseconds
  /// Bytes read by the client so far.
  public private(set) var bytesRead: UInt64 = 0
  /// Bytes written by the client so far.
  public private(set) var bytesWritten: UInt64 = 0
  /// The largest size in bytes that the gate has allowed.
  private var checkedSize: UInt64
  /// The error of the first write that failed: the file is incomplete even if later writes succeed.
  private var failure: FileError?
  private var isFinished = false

  init(
    _ descriptor: Descriptor, path: [UInt8], _ opening: FileOpening, size: UInt64, gate: any TransferGate,
    observer: (any FileObserver)?
  ) {
    self.descriptor = descriptor
    self.path = path
    self.opening = opening
    checkedSize = size
    self.gate = gate
    self.observer = observer
    observesAll = observer?.observesReadsAndWrites ?? false
  }

  /// A file that was not closed by the client counts as broken off, because parts of it may be missing.
  deinit { finish(isClosed: false) }

  /// The attributes of the file now.
  ///
  /// - Throws: `.system` when fstat(2) fails.
  func attributes() throws(FileError) -> FileAttributes {
    try system { () throws(SystemError) in try descriptor.attributes() }
  }

  /// Size and free space of its file system.
  ///
  /// - Throws: `.system` when fstatvfs(3) fails.
  func fileSystemStatus() throws(FileError) -> FileSystemStatus {
    try system { () throws(SystemError) in try descriptor.fileSystemStatus() }
  }

  /// Reads at most `count` bytes at `offset` of the file into `bytes`, from index `position` on. pread(2)
  ///
  /// - Returns: the number of bytes; 0 at the end of the file.
  /// - Throws: `.system` when the read fails, with EBADF when the file is not open for reading.
  public func read(
    into bytes: inout [UInt8], at position: Int, count: Int, offset: UInt64
  ) throws(FileError) -> Int {
    do throws(SystemError) {
      let n = try descriptor.read(into: &bytes, at: position, count: count, offset: offset)
      bytesRead += UInt64(n)
      if observesAll { observer?.record(.read(path: path, offset: offset, bytes: UInt64(n))) }
      return n
    } catch {
      throw .system(error)
    }
  }

  /// Writes all of `bytes` at `offset`, or at the end of a file opened with ``FileOpening/append``. pwrite(2)
  ///
  /// - Throws: `.denied` when the gate refuses the new size; `.system` when the write fails, with EFBIG beyond the
  ///   largest size. Some of the bytes may have been written. ``close()`` throws the first of these errors again.
  public func write(_ bytes: ArraySlice<UInt8>, offset: UInt64) throws(FileError) {
    do throws(FileError) {
      let end = offset.addingReportingOverflow(UInt64(bytes.count))
      if end.overflow { throw .system(SystemError("write", code: EFBIG)) }
      try check(growingTo: end.partialValue, by: bytes.count)
      try system { () throws(SystemError) in
        try descriptor.write(bytes, offset: opening.contains(.append) ? nil : offset)
      }
      bytesWritten += UInt64(bytes.count)
      if observesAll { observer?.record(.written(path: path, offset: offset, bytes: UInt64(bytes.count))) }
    } catch {
      failure = failure ?? error
      throw error
    }
  }

  /// Writes the content to the disk. fsync(2)
  ///
  /// - Throws: `.system` when that fails.
  public func synchronize() throws(FileError) {
    try system { () throws(SystemError) in try descriptor.synchronize() }
  }

  /// Errors of copy_file_range(2) between files that can still be read and written: they are on two file systems, the
  /// file system of one of them cannot copy, or the target was opened with O_APPEND.
  private static let uncopyable: Set = [EXDEV, EINVAL, EOPNOTSUPP, EBADF]

  /// Copies at most `count` bytes inside the kernel to another open file. copy_file_range(2)
  ///
  /// - Returns: the number of bytes; 0 at the end of this file; nil if the kernel cannot copy between these files, and
  ///   the caller has to read and write.
  /// - Throws: `.denied` when the gate refuses the new size of the target; `.system` when the copy fails, with EFBIG
  ///   beyond the largest size. ``close()`` of the target throws the first of these errors again.
  public func copy(
    from offset: UInt64, count: Int, to target: OpenFile, at targetOffset: UInt64
  ) throws(FileError) -> Int? {
    let end = targetOffset.addingReportingOverflow(UInt64(max(count, 0)))
    if end.overflow { throw .system(SystemError("copy", code: EFBIG)) }
    do throws(FileError) {
      if target.gate.checksSizes {
        let here = try attributes().size
        let wanted = min(UInt64(max(count, 0)), here > offset ? here - offset : 0)
        try target.check(growingTo: targetOffset + wanted, by: Int(clamping: wanted))
      }
      let n: Int
      do throws(SystemError) {
        n = try descriptor.copyRange(from: offset, count: count, to: target.descriptor, at: targetOffset)
      } catch {
        if Self.uncopyable.contains(error.code) { return nil }
        throw .system(error)
      }
      bytesRead += UInt64(n)
      target.bytesWritten += UInt64(n)
      if observesAll {
        observer?.record(.read(path: path, offset: offset, bytes: UInt64(n)))
        observer?.record(.written(path: target.path, offset: targetOffset, bytes: UInt64(n)))
      }
      return n
    } catch {
      target.failure = target.failure ?? error
      throw error
    }
  }

  /// Ends the use of the file and records it; the descriptor stays open until `deinit`.
  ///
  /// - Throws: the error of the first write that failed, so that the client does not take the file for complete. This
  ///   can be one that the file system reports only at the end, close(2).
  public func close() throws(FileError) {
    if bytesWritten > 0, failure == nil {
      do throws(SystemError) { try descriptor.finishWrites() } catch { failure = .system(error) }
    }
    finish(isClosed: true)
    if let failure { throw failure }
  }

  /// Sets the size of the file, which the gate has allowed.
  func sizeChanged(to size: UInt64) { checkedSize = size }

  private func check(growingTo end: UInt64, by count: Int) throws(FileError) {
    guard gate.checksSizes else { return }
    let size = opening.contains(.append) ? try attributes().size + UInt64(count) : end
    guard size > checkedSize else { return }
    if case .denied(let rule) = gate.check(.upload, [path], size: size) {
      observer?.record(.denied(.upload, paths: [path], rule: rule))
      throw .denied(rule: rule)
    }
    checkedSize = size
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
