import CLinux
import Glibc

/// Reads the entries of a directory in batches, with one descriptor and bounded memory. getdents64(2)
public final class DirectoryStream {
  /// Bytes of entries that are read at once, and kept until they are consumed.
  static let capacity = 8 << 10

  /// The directory itself, for calls on its entries.
  public let directory: Descriptor
  /// Entries that were read and not yet returned; empty when there are none.
  private var entries: [UInt8] = []
  private var rest: Range<Int> = 0..<0

  /// Reads from the current offset of `directory`, which must be open for reading and have no other reader.
  public init(_ directory: Descriptor) { self.directory = directory }

  /// The next name, including `.` and `..`; nil at the end.
  ///
  /// - Throws: `SystemError` with EIO for a malformed entry; otherwise with the errno of getdents64(2), except ENOENT.
  public func next() throws(SystemError) -> [UInt8]? {
    while true {
      if rest.isEmpty {
        guard try fill() else { return nil }
      }
      // struct linux_dirent64: inode and offset of 8 bytes each, length of 2, type of 1, name up to a zero byte.
      let start = rest.lowerBound
      let (inode, length) = entries.withUnsafeBytes { bytes in
        (
          bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self),
          Int(bytes.loadUnaligned(fromByteOffset: start + 16, as: UInt16.self))
        )
      }
      guard length > 19, length <= rest.count else { throw SystemError("readdir", code: EIO) }
      rest = start + length..<rest.upperBound
      if inode == 0 { continue }
      return Array(entries[start + 19..<start + length].prefix { $0 != 0 })
    }
  }

  /// Reads the next batch; false at the end, or when the directory was removed (ENOENT).
  private func fill() throws(SystemError) -> Bool {
    if entries.isEmpty { entries = [UInt8](repeating: 0, count: DirectoryStream.capacity) }
    let number = directory.rawValue
    var count = 0
    do throws(SystemError) {
      count = try check("readdir") { clinux_read_entries(number, &entries, entries.count) }
    } catch {
      if error.code != ENOENT { throw error }
    }
    rest = 0..<count
    if count == 0 { entries = [] }
    return count > 0
  }
}
