import Glibc
import IPC
import System
import Wire

/// Moves the data of one channel between the client and a program's descriptors or a socket, as its ``Channel`` decides.
final class ChannelPump {
  /// One of a channel's descriptors.
  enum Stream: UInt64, CaseIterable {
    case input = 0
    case output = 1
    case errors = 2
  }

  /// What a pump needs from its connection.
  protocol Delegate: AnyObject {
    /// Sends a message; it is silently dropped when the connection is over.
    func send(_ message: [UInt8])
    /// Sends a message in `memory`. False: send no more data now.
    func sendData(_ memory: UnsafeRawBufferPointer) -> Bool
    /// Set when data of a program was sent.
    var isActive: Bool { get set }
    /// Sends a message to the session.
    func sendToSession(_ message: TransportToSession)
    /// Asks for ``ChannelPump/flushInput()`` once everything available is read from the client.
    func hasInput(_ channel: ChannelPump)
    /// Asks for ``ChannelPump/pumpOnce(_:)``: there is something to send.
    func hasOutput(_ channel: ChannelPump)
    /// Removes the channel, which both sides have closed.
    func forget(_ number: UInt32)
    /// The event loop that watches the descriptors.
    var loop: EventLoop { get }
    /// True when the client is OpenSSH, which understands eow@openssh.com.
    var clientIsOpenSSH: Bool { get }
    /// True when recordings include what is typed.
    var recordsInput: Bool { get }
    /// Reports a finished recording.
    func recorded(_ end: RecordingEnd)
    /// The budget that channels' windows share.
    var windows: WindowBudget { get set }
  }

  private(set) var channel: Channel
  private unowned let connection: any Delegate
  private var descriptors = PerStream<Descriptor>()
  private var interests = PerStream<EventLoop.Interest>()
  /// Outputs that may have bytes to read.
  private var readable = PerStream<Bool>()
  /// Input that the program has not read yet: at most a window.
  private var pending: ByteQueue
  private var endInputAfterPending = false
  /// The server's own lines that wait for room in the client's window.
  private var announcements: [UInt8] = []
  /// Records the terminal, from the request for it on.
  var recorder: TerminalRecorder?
  /// True once a program runs on a terminal.
  private(set) var isTerminal = false
  private var hasStarted = false
  /// The channel is forwarded: its one descriptor is a socket, with both directions.
  let isForward: Bool
  /// Nothing more is read from the socket.
  private var isReadToEnd = false
  /// The session was told that the channel has ended.
  private(set) var hasHungUp = false

  init(_ channel: Channel, connection: any Delegate) {
    self.channel = channel
    self.connection = connection
    pending = ByteQueue()
    isForward = false
  }

  /// A forwarded channel with its connected socket, which is non-blocking.
  init(_ channel: Channel, socket: Descriptor, connection: any Delegate) {
    self.channel = channel
    self.connection = connection
    pending = ByteQueue(slack: ByteQueue.smallSlack)
    isForward = true
    hasStarted = true
    descriptors[.output] = socket
    updateInterests()
  }

  /// The token of a descriptor in the event loop.
  static func token(channel: UInt32, _ stream: Stream) -> UInt64 { UInt64(channel) << 2 | stream.rawValue }

  // MARK: From the client

  /// Handles CHANNEL_DATA. The data is kept until ``flushInput()``, so that the packets of one read wake the program
  /// once.
  func received(_ data: UnsafeRawBufferPointer) throws(Channel.Violation) {
    try channel.received(bytes: data.count)
    guard channel.takesInput else { return perform(channel.consumed(bytes: data.count)) }
    if let recorder, connection.recordsInput { recorder.input(data) }
    pending.append(data)
    connection.hasInput(self)
  }

  /// Handles CHANNEL_EXTENDED_DATA: discards it, because programs have no use for any type of it.
  func receivedExtended(bytes: Int) throws(Channel.Violation) {
    try channel.received(bytes: bytes)
    perform(channel.consumed(bytes: bytes))
  }

  /// Handles CHANNEL_WINDOW_ADJUST.
  func adjusted(by bytes: UInt32) throws(Channel.Violation) {
    try channel.adjusted(by: bytes)
    updateInterests()
  }

  /// Handles CHANNEL_EOF.
  func endOfFileReceived() { perform(channel.endOfFileReceived()) }

  /// Handles CHANNEL_CLOSE.
  func closeReceived() { perform(channel.closeReceived()) }

  /// Handles a CHANNEL_REQUEST for the session.
  func requested(_ request: ChannelRequest, wantsReply: Bool) {
    guard channel.requested(wantsReply: wantsReply) else { return refused(wantsReply: wantsReply) }
    if let recorder, case .windowChange(let columns, let rows, _, _) = request {
      recorder.resized(columns: columns, rows: rows)
    }
    connection.sendToSession(.request(channel: channel.number, request))
  }

  /// Handles eow@openssh.com.
  func endOfWriteReceived() { perform(channel.endOfWriteReceived()) }

  /// Handles a CHANNEL_REQUEST that is unknown or cannot be passed on.
  func refused(wantsReply: Bool) { perform(channel.refused(wantsReply: wantsReply)) }

  // MARK: From the session

  /// Handles a session's message about this channel. False: it is not allowed now.
  func handle(_ message: SessionToTransport, _ given: [Descriptor]) -> Bool {
    let actions: [Channel.Action]?
    switch message {
    case .done: actions = channel.answered(true)
    case .refused: actions = channel.answered(false)
    case .started(_, let terminal):
      guard given.count == (terminal ? 1 : 3) else { return false }
      actions = channel.started(isTerminal: terminal)
      if actions != nil { start(given, terminal: terminal) }
    case .exited(_, let status): actions = channel.exited(.sendExitStatus(status))
    case .killed(_, let signal, let core): actions = channel.exited(.sendExitSignal(signal, coreDumped: core))
    case .announce(_, let text):
      guard !isForward else { return false }
      announce(text)
      actions = []
    case .connected, .openFailed: actions = nil
    }
    guard let actions else { return false }
    perform(actions)
    if case .started = message { widen() }
    return true
  }

  /// Enlarges the window as far as the connection's budget allows.
  private func widen() {
    guard channel.mayWiden else { return }
    let growth = connection.windows.grow(channel.windowSize)
    if growth > 0 { perform(channel.widened(by: growth)) }
  }

  private func start(_ given: [Descriptor], terminal: Bool) {
    isTerminal = terminal
    hasStarted = true
    if terminal {
      descriptors[.output] = given[0]
    } else {
      descriptors[.input] = given[0]
      descriptors[.output] = given[1]
      descriptors[.errors] = given[2]
    }
    flushInput()
    updateInterests()
  }

  // MARK: From the program's descriptors

  /// Writes as much input as the program accepts now; the remainder waits until it accepts more, or has started.
  func flushInput() {
    guard hasStarted else { return }
    while !pending.isEmpty, let input = inputDescriptor {
      let outcome = pending.withBytes { try? input.write($0) }
      switch outcome {
      case .bytes(let count):
        pending.removeFirst(count)
        let actions = channel.consumed(bytes: count)
        perform(actions)
        if !actions.isEmpty { widen() }
      case .wouldBlock: return updateInterest(inputStream)
      case .ended, nil: return perform(channel.inputFailed())
      }
    }
    // A terminal whose output has ended accepts nothing any more. As in sshd, the client may go on sending, and is
    // ignored.
    discardInput()
    if endInputAfterPending { endInput() }
    updateInterest(inputStream)
  }

  /// Handles an event on a descriptor.
  func ready(_ stream: Stream, _ event: EventLoop.Event) {
    if event.isWritable && stream == inputStream { flushInput() }
    if stream != .input && (event.isReadable || event.isHungUp) && !isReadToEnd {
      readable[stream] = true
      connection.hasOutput(self)
    }
  }

  /// Writes a line into the program's output: on the terminal, or else on standard error. Lines are dropped when the
  /// client reads nothing and a few are pending.
  func announce(_ text: String) {
    guard announcements.count < 4096 else { return }
    announcements += Array((isTerminal ? "\r\n\(text)\r\n" : "\(text)\n").utf8)
    sendAnnouncements()
    if !announcements.isEmpty { connection.hasOutput(self) }
  }

  private func sendAnnouncements() {
    while !announcements.isEmpty, channel.sendable > 0 {
      let bytes = announcements.prefix(channel.sendable)
      if let recorder { bytes.withUnsafeBytes { recorder.output($0) } }
      channel.sent(bytes: bytes.count)
      connection.send(Message.data(peer: channel.peer, bytes, asErrors: !isTerminal))
      announcements.removeFirst(bytes.count)
    }
  }

  /// Sends one packet of the program's output. True: there may be more.
  func pumpOnce(_ memory: UnsafeMutableRawBufferPointer) -> Bool {
    sendAnnouncements()
    for stream in [Stream.errors, .output] where readable[stream] != nil {
      guard let descriptor = descriptors[stream] else {
        readable[stream] = nil
        continue
      }
      let room = channel.sendable
      guard room > 0 else { return false }
      let header = stream == .errors ? 13 : 9
      let space = UnsafeMutableRawBufferPointer(rebasing: memory[header..<header + room])
      switch (try? descriptor.read(into: space)) ?? .ended {
      case .bytes(let count):
        recorder?.output(UnsafeRawBufferPointer(rebasing: space[..<count]))
        memory[0] = stream == .errors ? MessageNumber.channelExtendedData : MessageNumber.channelData
        memory.store(channel.peer, at: 1)
        // SSH_EXTENDED_DATA_STDERR
        if stream == .errors { memory.store(1, at: 5) }
        memory.store(UInt32(count), at: header - 4)
        channel.sent(bytes: count)
        connection.isActive = true
        // A short read has emptied a pipe; a terminal returns a line or a page at a time.
        if count < room && !isTerminal { readable[stream] = nil }
        return connection.sendData(UnsafeRawBufferPointer(rebasing: memory[0..<header + count])) && channel.sendable > 0
      case .wouldBlock: readable[stream] = nil
      case .ended:
        endReading(stream)
        perform(channel.outputEnded())
      }
    }
    return !readable.isEmpty && channel.sendable > 0
  }

  /// True when there is something to send.
  var hasOutput: Bool { !(readable.isEmpty && announcements.isEmpty) }

  /// True when there is something to send and room in the window for it.
  var wantsPump: Bool { hasOutput && channel.sendable > 0 }

  /// Watches each descriptor only while its readiness is of use.
  func updateInterests() {
    for stream in Stream.allCases { updateInterest(stream) }
  }

  /// The message that tells the session that the client has closed the channel, or is gone.
  var closeMessage: TransportToSession {
    .closed(channel: channel.number, bytesIn: channel.bytesIn, bytesOut: channel.bytesOut)
  }

  /// Closes all descriptors and finishes the recording.
  func end() {
    for stream in Stream.allCases { close(stream) }
    endRecording()
  }

  /// Writes the recording's lines that are due; ends a recording that has failed.
  func flushRecording(at now: Int64) {
    guard let recorder else { return }
    recorder.flush(at: now)
    if recorder.failure != nil { endRecording() }
  }

  /// Finishes the recording, if there is one.
  func endRecording() {
    guard let recorder else { return }
    self.recorder = nil
    connection.recorded(recorder.finish(channel.number))
  }

  // MARK: Private

  /// Where input goes: terminals and sockets have one descriptor for both directions.
  private var inputStream: Stream { isTerminal || isForward ? .output : .input }

  private var inputDescriptor: Descriptor? { descriptors[inputStream] }

  private func endInput() {
    if isForward {
      descriptors[.output]?.shutDownWriting()
      perform(channel.inputEnded())
    } else if !isTerminal {
      // A terminal has no end of file of its own. As in sshd, the program goes on until the terminal hangs up.
      close(.input)
    }
  }

  /// Stops reading an output; a socket stays open for what is still to be written.
  private func endReading(_ stream: Stream) {
    guard isForward else { return close(stream) }
    readable[stream] = nil
    isReadToEnd = true
    updateInterest(stream)
  }

  /// Closes the program's input and discards what is pending.
  private func dropInput() {
    if !isTerminal { close(.input) }
    discardInput()
  }

  /// Discards the pending input, and returns its window to the client.
  private func discardInput() {
    let count = pending.count
    guard count > 0 else { return }
    pending.removeAll()
    perform(channel.consumed(bytes: count))
  }

  private func close(_ stream: Stream) {
    guard let descriptor = descriptors[stream] else { return }
    descriptors[stream] = nil
    if interests[stream] != nil { connection.loop.remove(descriptor) }
    interests[stream] = nil
    readable[stream] = nil
  }

  private func updateInterest(_ stream: Stream) {
    guard let descriptor = descriptors[stream] else { return }
    var interest: EventLoop.Interest = []
    if stream != .input && !isReadToEnd && readable[stream] == nil && channel.sendable > 0 { interest.insert(.read) }
    if !pending.isEmpty && stream == inputStream { interest.insert(.write) }
    // A pipe without a reader matters only when there is something to write: then the write fails.
    let wanted: EventLoop.Interest? = interest.isEmpty ? nil : interest
    guard wanted != interests[stream] else { return }
    let token = ChannelPump.token(channel: channel.number, stream)
    switch (interests[stream], wanted) {
    case (nil, let wanted?): try? connection.loop.add(descriptor, wanted, token: token)
    case (.some, let wanted?): try? connection.loop.modify(descriptor, wanted, token: token)
    case (.some, nil): connection.loop.remove(descriptor)
    case (nil, nil): break
    }
    interests[stream] = wanted
  }

  private func perform(_ actions: [Channel.Action]) {
    let peer = channel.peer
    for action in actions {
      switch action {
      case .reply(let success):
        connection.send(
          Message.channel(success ? MessageNumber.channelSuccess : MessageNumber.channelFailure, peer: peer))
      case .adjustWindow(let bytes): connection.send(Message.windowAdjust(peer: peer, by: bytes))
      case .sendEndOfFile: connection.send(Message.channel(MessageNumber.channelEOF, peer: peer))
      case .sendClose:
        end()
        connection.send(Message.channel(MessageNumber.channelClose, peer: peer))
      case .sendExitStatus(let status):
        connection.send(Message.channelRequest(peer: peer, "exit-status") { $0.uint32(status) })
      case .sendExitSignal(let name, let core):
        connection.send(
          Message.channelRequest(peer: peer, "exit-signal") {
            $0.text(name)
            $0.boolean(core)
            $0.text("")
            $0.text("")
          })
      case .sendEndOfWrite:
        if connection.clientIsOpenSSH {
          connection.send(Message.channelRequest(peer: peer, "eow@openssh.com") { _ in })
        }
      case .closeOutputs:
        endReading(.output)
        close(.errors)
        // What a terminal has not read has nowhere to go.
        if isTerminal { dropInput() }
      case .endInput:
        if !pending.isEmpty || !hasStarted { endInputAfterPending = true } else { endInput() }
      case .dropInput: dropInput()
      case .hangUp:
        hasHungUp = true
        connection.sendToSession(closeMessage)
      case .forget:
        end()
        connection.forget(channel.number)
      }
    }
  }
}

/// An optional value for each stream of a channel; a dictionary would hash for every packet.
private struct PerStream<Value> {
  private var input: Value?
  private var output: Value?
  private var errors: Value?

  var isEmpty: Bool { input == nil && output == nil && errors == nil }

  subscript(stream: ChannelPump.Stream) -> Value? {
    get {
      switch stream {
      case .input: input
      case .output: output
      case .errors: errors
      }
    }
    set {
      switch stream {
      case .input: input = newValue
      case .output: output = newValue
      case .errors: errors = newValue
      }
    }
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Writes a big-endian `uint32`.
  fileprivate func store(_ value: UInt32, at offset: Int) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
  }
}
