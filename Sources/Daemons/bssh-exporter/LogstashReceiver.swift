import CCurl
import Export
import IPC
import JournalReader
import System

/// Sends JSON Lines over TCP, optionally with TLS.
///
/// The protocol has no acknowledgements, so ``AcknowledgementTracker`` tracks which events the receiver is known to
/// have.
final class LogstashReceiver: Receiver {
  private enum State {
    case closed
    case connecting(CurlHandle)
    case open(CurlHandle, socket: Int32)
    /// Sending has ended; waiting for the receiver to read the remaining data and close.
    case closing(CurlHandle, socket: Int32)
  }

  /// Polling interval for acknowledgements in milliseconds, doubling from the first to the last, because the kernel
  /// does not notify us.
  static let firstLook: Int64 = 2
  static let lastLook: Int64 = 1000

  private let settings: LogstashSettings
  private let batchSize: Int
  private let loop: CurlLoop
  private var state: State = .closed
  /// The lines being sent, the position of the first unsent byte, and their events.
  private var buffer: [UInt8] = []
  private var position = 0
  private var events: [JournalEvent] = []
  private var tracker = AcknowledgementTracker()
  private var lookAgain: (time: Int64, pause: Int64)?
  /// When the peer began not to acknowledge data, and the time of its last segment.
  private var unanswered: (since: Int64, last: Int64)?

  init(_ settings: LogstashSettings, batchSize: Int, loop: CurlLoop) {
    self.settings = settings
    self.batchSize = batchSize
    self.loop = loop
  }

  var room: Int { events.isEmpty ? batchSize : 0 }

  var waits: [CurlLoop.Wait] {
    switch state {
    case .closed, .connecting: []
    case .open(_, let socket): [CurlLoop.Wait(descriptor: socket, writes: !events.isEmpty)]
    case .closing(_, let socket): [CurlLoop.Wait(descriptor: socket)]
    }
  }

  var deadline: Int64? { lookAgain?.time }

  func queue(_ events: [JournalEvent], now: Int64) {
    self.events = events
    buffer.removeAll(keepingCapacity: true)
    position = 0
    for event in events {
      buffer += event.line
      buffer.append(UInt8(ascii: "\n"))
    }
    if case .closed = state { connect() }
  }

  func reset() {
    state = .closed
    events = []
    tracker = AcknowledgementTracker()
    lookAgain = nil
    unanswered = nil
  }

  private func connect() {
    do throws(SystemError) {
      let handle = try CurlHandle()
      let host = settings.host.utf8.contains(UInt8(ascii: ":")) ? "[\(settings.host)]" : settings.host
      handle.set(CURLOPT_CONNECT_ONLY, 1)
      handle.set(CURLOPT_CONNECTTIMEOUT, Int(settings.timeout))
      handle.set(CURLOPT_URL, "\(settings.tls.isEnabled ? "https" : "http")://\(host):\(settings.port)/")
      // There is no ALPN name for this protocol.
      handle.set(CURLOPT_SSL_ENABLE_ALPN, 0)
      if settings.tls.isEnabled { handle.set(settings.tls) }
      loop.start(handle)
      state = .connecting(handle)
    } catch {
      state = .closed
    }
  }

  func work(now: Int64) -> [Outcome] {
    do throws(CurlError) {
      switch state {
      case .closed: return events.isEmpty ? [] : [.failed(reason: "no memory for a connection")]
      case .connecting(let handle):
        guard let code = loop.result(of: handle) else { return [] }
        guard code == CURLE_OK else { throw handle.error(code) }
        guard let socket = handle.socket else { return [.failed(reason: "the connection is lost")] }
        state = .open(handle, socket: socket)
        return [.log("connected")] + (try exchange(handle, now))
      case .open(let handle, _): return try exchange(handle, now)
      case .closing: return []
      }
    } catch {
      return [.failed(reason: "\(error)")]
    }
  }

  /// Sends as much as possible and checks the progress.
  private func exchange(_ handle: CurlHandle, _ now: Int64) throws(CurlError) -> [Outcome] {
    // No data is expected; reading detects that the peer has closed the connection.
    for _ in 0..<16 {
      guard let bytes = try handle.receive() else { break }
      if bytes.isEmpty { return [.failed(reason: "the receiver has closed the connection")] }
    }
    var hasMoved = false
    while position < buffer.count, !events.isEmpty {
      guard let count = try handle.send(buffer[position...]) else { break }
      position += count
      hasMoved = true
    }
    return look(handle, now, hasMoved: hasMoved)
  }

  private func look(_ handle: CurlHandle, _ now: Int64, hasMoved: Bool) -> [Outcome] {
    guard let socket = handle.socket, let progress = try? BorrowedSocket(socket).tcpProgress(), !progress.isClosed
    else { return [.failed(reason: "the connection is lost")] }
    if position == buffer.count {
      for event in events { tracker.wrote(event.head, at: event.place, end: progress.written) }
      events = []
    }
    if let silence = silence(progress, now), silence > Int64(settings.timeout) * 1000 {
      return [.failed(reason: "the receiver has not answered for \(silence / 1000) s")]
    }
    tracker.observe(
      acknowledged: progress.acknowledged, outstanding: progress.outstanding, window: progress.window)
    var outcomes: [Outcome] = []
    if let head = tracker.acknowledge() { outcomes.append(.accepted(head)) }
    if let (head, place) = tracker.settle() { outcomes.append(.settled(head, place)) }
    if !tracker.isOutstanding && events.isEmpty {
      lookAgain = nil
    } else if let last = lookAgain, !hasMoved {
      if last.time <= now {
        let pause = min(last.pause * 2, Self.lastLook)
        lookAgain = (now + pause, pause)
      }
    } else {
      lookAgain = (now + Self.firstLook, Self.firstLook)
    }
    return outcomes
  }

  /// How long the peer has failed to acknowledge data, in milliseconds; nil if nothing is outstanding.
  ///
  /// A peer with a closed window is probed at intervals of up to two minutes. Between a probe and its answer the
  /// silence seems long, so it is counted from the first such observation.
  private func silence(_ progress: SocketProgress, _ now: Int64) -> Int64? {
    guard progress.silence > 0 else {
      unanswered = nil
      return nil
    }
    let last = now - progress.silence
    if let unanswered, last <= unanswered.last + 100 { return now - unanswered.since }
    unanswered = (now, last)
    return 0
  }

  func finish(now: Int64) -> (outcomes: [Outcome], isOver: Bool) {
    switch state {
    case .closed, .connecting: return ([], true)
    case .open(let handle, let socket):
      // The rest of a partially sent line is not sent. The line is invalid without it, and its event is sent again
      // later.
      BorrowedSocket(socket).endWriting()
      state = .closing(handle, socket: socket)
      return ([], false)
    case .closing(let handle, let socket):
      guard let isClosed = try? isClosed(handle) else { return ([], true) }
      guard isClosed, let progress = try? BorrowedSocket(socket).tcpProgress() else { return ([], isClosed) }
      tracker.observe(
        acknowledged: progress.acknowledged, outstanding: progress.outstanding, window: progress.window)
      return (tracker.settle(everything: true).map { [.settled($0.head, $0.place)] } ?? [], true)
    }
  }

  /// True if the receiver has closed the connection, which means that it has read all of our data.
  private func isClosed(_ handle: CurlHandle) throws(CurlError) -> Bool {
    for _ in 0..<16 {
      guard let bytes = try handle.receive() else { return false }
      if bytes.isEmpty { return true }
    }
    return false
  }
}
