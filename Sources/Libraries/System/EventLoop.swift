import CLinux
import Glibc

/// Waits for events on descriptors, level-triggered. epoll(7)
public final class EventLoop {
  /// Events to wait for. Hang-ups and errors are always reported.
  public struct Interest: OptionSet, Sendable {
    /// Bits of epoll_ctl(2).
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Ready for reading. EPOLLIN
    public static let read = Interest(rawValue: EPOLLIN.rawValue)
    /// Ready for writing. EPOLLOUT
    public static let write = Interest(rawValue: EPOLLOUT.rawValue)
  }

  /// An event on a descriptor.
  public struct Event: Sendable {
    /// The token passed to ``add(_:_:token:)`` or ``modify(_:_:token:)``.
    public let token: UInt64
    /// A read will not block; also true after a hang-up or an error.
    public let isReadable: Bool
    /// A write will not block; also true after a hang-up or an error.
    public let isWritable: Bool
    /// The other end is closed, or the descriptor has an error; bytes sent before can still be read.
    public let isHungUp: Bool
  }

  private let descriptor: Descriptor
  private var buffer = [epoll_event](repeating: epoll_event(), count: 64)

  /// Watches nothing yet. epoll_create1(2)
  ///
  /// - Throws: `SystemError` with EMFILE or ENFILE when no descriptor is free.
  public init() throws(SystemError) {
    descriptor = Descriptor(owning: try check("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
  }

  /// Watches a descriptor. The loop does not keep it open. Remove it before closing it if another process holds the
  /// same open file, because the kernel reports its events as long as that is open. epoll_ctl(2), EPOLL_CTL_ADD
  ///
  /// - Throws: `SystemError` with EEXIST when it is watched already, EPERM when it cannot be watched, like a regular
  ///   file.
  public func add(_ watched: Descriptor, _ interest: Interest, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_ADD, watched, interest, token)
  }

  /// Changes the interest or the token of a watched descriptor. epoll_ctl(2), EPOLL_CTL_MOD
  ///
  /// - Throws: `SystemError` with ENOENT when it is not watched.
  public func modify(_ watched: Descriptor, _ interest: Interest, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_MOD, watched, interest, token)
  }

  /// Stops watching a descriptor; does nothing when it is not watched. epoll_ctl(2), EPOLL_CTL_DEL
  public func remove(_ watched: Descriptor) {
    epoll_ctl(descriptor.rawValue, EPOLL_CTL_DEL, watched.rawValue, nil)
  }

  /// Returns pending events, at most 64; none when `milliseconds` pass or a signal interrupts. -1 waits without limit.
  /// epoll_wait(2)
  ///
  /// - Throws: `SystemError` with the errno of epoll_wait(2), except EINTR.
  public func wait(milliseconds: Int32) throws(SystemError) -> [Event] {
    let raw = descriptor.rawValue
    var result: Int32 = 0
    buffer.withUnsafeMutableBufferPointer { events in
      result = epoll_wait(raw, events.baseAddress, Int32(events.count), milliseconds)
    }
    if result < 0 {
      if errno == EINTR { return [] }
      throw .last("epoll_wait")
    }
    return buffer.prefix(Int(result)).map { event in
      let bits = event.events
      return Event(
        token: event.data.u64,
        isReadable: bits & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0,
        isWritable: bits & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0,
        isHungUp: bits & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0)
    }
  }

  private func control(
    _ operation: Int32, _ watched: Descriptor, _ interest: Interest, _ token: UInt64
  ) throws(SystemError) {
    var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
    let raw = descriptor.rawValue
    try check("epoll_ctl") { epoll_ctl(raw, operation, watched.rawValue, &event) }
  }
}
