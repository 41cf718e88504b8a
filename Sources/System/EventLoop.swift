import CLinux
import Glibc

/// Waits for descriptors: epoll(7), level-triggered.
public final class EventLoop {
  /// What to wait for. A hang-up or an error is always reported.
  public struct Interest: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let read = Interest(rawValue: EPOLLIN.rawValue)
    public static let write = Interest(rawValue: EPOLLOUT.rawValue)
  }

  /// A descriptor that is ready.
  public struct Event: Sendable {
    /// The token that it was added with.
    public let token: UInt64
    public let isReadable: Bool
    public let isWritable: Bool
    /// The other end is gone; what it sent before can still be read.
    public let isHungUp: Bool
  }

  private let descriptor: Descriptor
  private var buffer = [epoll_event](repeating: epoll_event(), count: 64)

  /// Waits for nothing yet.
  public init() throws(SystemError) {
    descriptor = Descriptor(owning: try check("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
  }

  /// Starts waiting for `watched`. It must be removed before it is closed while another process holds it too.
  public func add(_ watched: Descriptor, _ interest: Interest, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_ADD, watched, interest, token)
  }

  /// Changes what to wait for.
  public func modify(_ watched: Descriptor, _ interest: Interest, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_MOD, watched, interest, token)
  }

  /// Stops waiting for `watched`; nothing happens when nobody waited.
  public func remove(_ watched: Descriptor) {
    epoll_ctl(descriptor.rawValue, EPOLL_CTL_DEL, watched.rawValue, nil)
  }

  /// Returns what is ready, at most 64 at a time; nothing when `milliseconds` pass before. -1 waits for ever.
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
