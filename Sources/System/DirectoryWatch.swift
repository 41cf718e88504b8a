import Glibc

/// Tells that something in a directory has changed: its entries, or what its files hold. inotify(7)
public final class DirectoryWatch {
  /// Readable when something has changed since ``drain()``.
  public let descriptor: Descriptor

  /// Watches the directory itself, not those below it; whether its path can be followed does not matter.
  public convenience init(_ directory: Descriptor) throws(SystemError) {
    try self.init("/proc/self/fd/\(directory.rawValue)")
  }

  /// As above, by its path.
  public init(_ path: String) throws(SystemError) {
    let descriptor = Descriptor(owning: try check("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) })
    let mask = UInt32(IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
    let number = descriptor.rawValue
    try check("watch \(path)") { inotify_add_watch(number, path, mask) }
    self.descriptor = descriptor
  }

  /// Forgets what has changed so far. Look at the directory after this, not before.
  public func drain() throws(SystemError) {
    while case .bytes = try descriptor.read(count: 16 << 10).outcome {}
  }
}
