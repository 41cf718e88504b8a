import CLinux
import Glibc

/// Reads the entries of a directory, some at a time, with one descriptor and little memory. getdents64(2)
public final class DirectoryStream {
  /// Bytes of entries that are read at a time, and held until they were taken.
  static let capacity = 8 << 10

  /// The directory itself, for calls on its entries.
  public let directory: Descriptor
  /// Empty while nothing is held.
  private var entries: [UInt8] = []
  private var rest: Range<Int> = 0..<0

  /// Reads `directory`, which is open for reading and read by nobody else, from where it stands.
  public init(_ directory: Descriptor) { self.directory = directory }

  /// The next name, `.` and `..` among them; nil at the end.
  public func next() throws(SystemError) -> [UInt8]? {
    while true {
      if rest.isEmpty {
        guard try fill() else { return nil }
      }
      // Each entry: the inode's number and a position, 8 bytes each, the entry's length in 2, its type in 1; the name up
      // to a zero.
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

  /// Reads more; false at the end, which is also that of a directory that was removed.
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
