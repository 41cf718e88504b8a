import Glibc

/// Reads the entries of a directory, some at a time. readdir(3)
public final class DirectoryStream {
  private let stream: OpaquePointer
  /// The directory itself, for calls on its entries.
  public let directory: Descriptor

  /// Reads `directory`, which is open for reading, from its beginning; no other stream of it may be in use.
  public init(_ directory: Descriptor) throws(SystemError) {
    let number = try directory.duplicateNumber()
    guard let stream = fdopendir(number) else {
      let error = SystemError.last("opendir")
      close(number)
      throw error
    }
    self.stream = stream
    self.directory = directory
    rewinddir(stream)
  }

  deinit { closedir(stream) }

  /// The next name, `.` and `..` among them; nil at the end.
  public func next() throws(SystemError) -> [UInt8]? {
    errno = 0
    guard let entry = readdir(stream) else {
      if errno != 0 { throw .last("readdir") }
      return nil
    }
    return withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      guard let start = bytes.baseAddress else { return [] }
      return [UInt8](bytes.prefix(strnlen(start.assumingMemoryBound(to: CChar.self), bytes.count)))
    }
  }
}
