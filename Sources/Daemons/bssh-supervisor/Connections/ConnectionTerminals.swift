import Audit
import Configuration
import IPC

/// The terminals of a login: recordings and login records.
struct ConnectionTerminals: Equatable, Sendable {
  typealias Action = ConnectionMachine.Action
  typealias Reaction = ConnectionMachine.Reaction

  /// Maximum number of simultaneous terminals and recordings of a login, which is that of channels.
  static let limit = 1024
  /// Time limit for creating the file of a recording, in milliseconds.
  static let recorderTime: Int64 = 10_000

  /// True if the transport was told that terminals are recorded.
  private(set) var isRecorded = false
  /// The channel whose file is being created; nil: none.
  private var asked: UInt32?
  /// The path of the recording of each channel.
  private var recordings: [UInt32: String] = [:]
  /// The first process on each terminal, by the name of the terminal relative to /dev.
  private var inUse: [String: Int32] = [:]

  // MARK: Recordings

  /// The messages to the transport before the success of the login of `user`.
  mutating func prepare(_ user: String, _ settings: Settings.Audit) -> [Action] {
    isRecorded = settings.records(user)
    return isRecorded ? [.send(.recordTerminals(input: settings.recording.input))] : []
  }

  /// Handles a request of the transport for the file of a recording.
  ///
  /// - Throws: `ProtocolViolation` when terminals are not recorded, a request is pending, the channel has a file, or
  ///   ``limit`` is exceeded.
  mutating func record(
    _ channel: UInt32, _ settings: Settings.Audit, isLoggedIn: Bool
  ) throws(ProtocolViolation) -> [Action] {
    guard isLoggedIn, isRecorded, asked == nil, recordings[channel] == nil, recordings.count < Self.limit else {
      throw ProtocolViolation("asked for a recording out of turn")
    }
    asked = channel
    return [
      .openRecording(directory: settings.recordingDirectory),
      .setTimer(.recording, milliseconds: Self.recorderTime),
    ]
  }

  /// Handles that the file was created.
  mutating func recordingOpened(_ path: String, _ subject: Subject, isLoggedIn: Bool) -> [Action] {
    guard let channel = asked else { return [] }
    asked = nil
    guard isLoggedIn else { return [.cancelTimer(.recording)] }
    recordings[channel] = path
    let title =
      "\(LoginEntry.short(subject.user)) from \(subject.clientAddress ?? "")"
      + (subject.sessionID.map { ", session \($0)" } ?? "")
    return [
      .cancelTimer(.recording), .audit(Self.record(.recordingStarted, .success, channel, path), subject),
      .giveRecording(channel: channel, title: title),
    ]
  }

  /// Handles that the file was not created, or not in time.
  mutating func recordingFailed(
    _ why: String, _ subject: Subject, _ settings: Settings.Audit, isLoggedIn: Bool
  ) -> Reaction {
    guard let channel = asked else { return Reaction() }
    asked = nil
    var record = Self.record(.recordingStarted, .error, channel)
    (record.reason, record.details) = (Reason(RecordingFailure.failed), why)
    let actions: [Action] = [.cancelTimer(.recording), .audit(record, subject)]
    guard isLoggedIn else { return Reaction(actions) }
    if let disconnect = Self.disconnect(subject, settings) { return Reaction(actions, next: disconnect) }
    return Reaction(actions + [.send(.recording(channel: channel, title: nil))])
  }

  /// Handles the end of a recording, as reported by the transport.
  ///
  /// - Throws: `ProtocolViolation` when there is no such recording.
  mutating func recorded(
    _ end: RecordingEnd, _ subject: Subject, _ settings: Settings.Audit, isLoggedIn: Bool
  ) throws(ProtocolViolation) -> Reaction {
    guard let path = recordings.removeValue(forKey: end.channel) else {
      throw ProtocolViolation("told of a recording that there is not")
    }
    var record = Self.record(.recordingFinished, end.failure == nil ? .success : .error, end.channel, path)
    (record.bytes, record.milliseconds) = (end.bytes, end.milliseconds)
    let hash = "sha256:" + Hex.text(end.hash)
    guard let failure = end.failure else {
      record.details = hash
      return Reaction([.audit(record, subject)])
    }
    (record.reason, record.details) = (Reason(RecordingFailure.failed), "\(failure), \(hash)")
    return Reaction([.audit(record, subject)], next: isLoggedIn ? Self.disconnect(subject, settings) : nil)
  }

  /// The consequence of `audit.on_failure` when a terminal cannot be recorded; nil: the login continues.
  private static func disconnect(_ subject: Subject, _ settings: Settings.Audit) -> ConnectionMachine.Next? {
    guard settings.insists(onRecording: subject.user ?? "") else { return nil }
    let text = "This login must be recorded, which is not possible now (\(CloseReason.recordingFailed))"
    return .disconnect(.init(11, text, .recordingFailed))
  }

  private static func record(
    _ type: EventType, _ result: EventResult, _ channel: UInt32, _ path: String? = nil
  ) -> AuditRecord {
    var record = AuditRecord(type, result)
    record.path = path.map { Array($0.utf8) }
    record.channel = channel
    return record
  }

  // MARK: Login records

  /// Handles the start or the end of the use of a terminal by the login of `uid`, as reported by the session process.
  ///
  /// - Throws: `ProtocolViolation` when the name is not that of a pseudo-terminal, the terminal is already in use at the
  ///   start or not in use at the end, or ``limit`` is exceeded.
  mutating func handle(_ use: TerminalUse, _ subject: Subject, uid: UInt32) throws(ProtocolViolation) -> [Action] {
    switch use {
    case .began(_, let path, let process):
      guard let name = Self.terminalName(path), process > 0, inUse[name] == nil, inUse.count < Self.limit else {
        throw ProtocolViolation("told of a terminal that it cannot have")
      }
      inUse[name] = process
      return [.recordLogin(LoginEntry(.began, name, process, subject, uid: uid))]
    case .ended(let path):
      guard let name = Self.terminalName(path), let process = inUse.removeValue(forKey: name) else {
        throw ProtocolViolation("told of the end of a terminal that it does not have")
      }
      return [.recordLogin(LoginEntry(.ended, name, process, subject, uid: uid))]
    }
  }

  /// Ends the recordings, and the terminals in the login records, with the connection.
  mutating func end(_ subject: Subject, uid: UInt32) -> [Action] {
    let recordings = recordings.sorted { $0.key < $1.key }.map { channel, path in
      var record = Self.record(.recordingFinished, .error, channel, path)
      record.reason = Reason(RecordingFailure.transportLost)
      return Action.audit(record, subject)
    }
    let logins = inUse.sorted { $0.key < $1.key }.map { name, process in
      Action.recordLogin(LoginEntry(.ended, name, process, subject, uid: uid))
    }
    (self.recordings, inUse) = ([:], [:])
    return recordings + logins
  }

  /// `pts/3` for `/dev/pts/3`; nil for other devices.
  private static func terminalName(_ path: String) -> String? {
    guard path.hasPrefix("/dev/pts/") else { return nil }
    let number = path.utf8.dropFirst("/dev/pts/".utf8.count)
    guard (1...10).contains(number.count), number.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return String(path.dropFirst("/dev/".count))
  }
}

extension LoginEntry {
  fileprivate init(_ kind: Kind, _ terminal: String, _ process: Int32, _ subject: Subject, uid: UInt32) {
    self.init(
      kind, user: Self.short(subject.user), uid: uid, terminal: terminal, process: process,
      address: subject.clientAddress ?? "")
  }

  /// A user name truncated to 256 bytes, which is more than the files of login records contain.
  static func short(_ user: String?) -> String { String(decoding: (user ?? "").utf8.prefix(256), as: UTF8.self) }
}
