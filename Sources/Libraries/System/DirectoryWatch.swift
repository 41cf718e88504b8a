import Glibc

/// Reports that something in a directory has changed: its entries, or the content of its files. inotify(7)
public final class DirectoryWatch {
  /// Readable when something has changed since the last ``drain()``.
  public let descriptor: Descriptor

  /// Watches an open directory without its subdirectories, even if no path leads to it for this process.
  ///
  /// - Throws: `SystemError` with the errno of inotify_init1(2) or inotify_add_watch(2).
  public convenience init(_ directory: Descriptor) throws(SystemError) {
    try self.init("/proc/self/fd/\(directory.rawValue)")
  }

  /// Watches the directory at `path`, without its subdirectories.
  ///
  /// - Throws: `SystemError` with the errno of inotify_init1(2) or inotify_add_watch(2).
  public init(_ path: String) throws(SystemError) {
    let descriptor = Descriptor(owning: try check("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) })
    let mask = UInt32(IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
    let number = descriptor.rawValue
    try check("watch \(path)") { inotify_add_watch(number, path, mask) }
    self.descriptor = descriptor
  }

  /// Discards the pending changes. Inspect the directory after this call, not before, or a change may be missed.
  ///
  /// - Throws: `SystemError` with the errno of read(2).
  public func drain() throws(SystemError) {
    while case .bytes = try descriptor.read(count: 16 << 10).outcome {}
  }
}
