import Audit
import Configuration
import IPC

/// The terminals of a login: which are recorded, and which are in the login records.
struct ConnectionTerminals: Equatable, Sendable {
  typealias Action = ConnectionMachine.Action
  typealias Reaction = ConnectionMachine.Reaction

  /// Terminals, and recordings, that a login may have at a time: as many as channels.
  static let limit = 1024
  /// Milliseconds that making the file of a recording may take.
  static let recorderTime: Int64 = 10_000

  /// The transport was told to have the terminals recorded.
  private(set) var isRecorded = false
  /// The channel whose file is being made.
  private var asked: UInt32?
  /// The path of each channel's recording.
  private var recordings: [UInt32: String] = [:]
  /// The first process on each terminal, by its name below /dev.
  private var inUse: [String: Int32] = [:]

  // MARK: Recordings

  /// The login of `user` is granted: what the transport has to know before it is told so.
  mutating func prepare(_ user: String, _ settings: Settings.Audit) -> [Action] {
    isRecorded = settings.records(user)
    return isRecorded ? [.tell(.recordTerminals(input: settings.recording.input))] : []
  }

  /// The transport wants a file for a terminal.
  ///
  /// - Throws: when terminals are not recorded, before the answer to the last request, for a channel that has a file,
  ///   and above the ``limit``.
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

  /// The file is there.
  mutating func recordingOpened(_ path: String, _ subject: Subject, isLoggedIn: Bool) -> [Action] {
    guard let channel = asked else { return [] }
    asked = nil
    guard isLoggedIn else { return [.cancelTimer(.recording)] }
    recordings[channel] = path
    let title =
      "\(LoginEntry.short(subject.user)) from \(subject.clientAddress ?? "")"
      + (subject.sessionID.map { ", session \($0)" } ?? "")
    return [
      .cancelTimer(.recording), .audit(Self.fact(.recordingStarted, .success, channel, path), subject),
      .giveRecording(channel: channel, title: title),
    ]
  }

  /// There is no file, or not in time.
  mutating func recordingFailed(
    _ why: String, _ subject: Subject, _ settings: Settings.Audit, isLoggedIn: Bool
  ) -> Reaction {
    guard let channel = asked else { return Reaction() }
    asked = nil
    var fact = Self.fact(.recordingStarted, .error, channel)
    (fact.reason, fact.details) = (Reason(RecordingFailure.failed), why)
    let actions: [Action] = [.cancelTimer(.recording), .audit(fact, subject)]
    guard isLoggedIn else { return Reaction(actions) }
    if let disconnect = Self.disconnect(subject, settings) { return Reaction(actions, next: disconnect) }
    return Reaction(actions + [.tell(.recording(channel: channel, title: nil))])
  }

  /// The transport says that a recording is over.
  ///
  /// - Throws: when there is no such recording.
  mutating func recorded(
    _ end: RecordingEnd, _ subject: Subject, _ settings: Settings.Audit, isLoggedIn: Bool
  ) throws(ProtocolViolation) -> Reaction {
    guard let path = recordings.removeValue(forKey: end.channel) else {
      throw ProtocolViolation("told of a recording that there is not")
    }
    var fact = Self.fact(.recordingFinished, end.failure == nil ? .success : .error, end.channel, path)
    (fact.bytes, fact.milliseconds) = (end.bytes, end.milliseconds)
    let hash = "sha256:" + Hex.text(end.hash)
    guard let failure = end.failure else {
      fact.details = hash
      return Reaction([.audit(fact, subject)])
    }
    (fact.reason, fact.details) = (Reason(RecordingFailure.failed), "\(failure), \(hash)")
    return Reaction([.audit(fact, subject)], next: isLoggedIn ? Self.disconnect(subject, settings) : nil)
  }

  /// What `audit.on_failure` wants when a terminal cannot be recorded; nil: the login goes on.
  private static func disconnect(_ subject: Subject, _ settings: Settings.Audit) -> ConnectionMachine.Next? {
    guard settings.insists(onRecording: subject.user ?? "") else { return nil }
    let text = "This login must be recorded, which is not possible now (\(CloseReason.recordingFailed))"
    return .disconnect(.init(11, text, .recordingFailed))
  }

  private static func fact(
    _ type: EventType, _ result: EventResult, _ channel: UInt32, _ path: String? = nil
  ) -> Fact {
    var fact = Fact(type, result)
    fact.path = path.map { Array($0.utf8) }
    fact.channel = channel
    return fact
  }

  // MARK: Login records

  /// The session process says that a terminal of the login of `uid` is in use, or no longer.
  ///
  /// - Throws: for a name that is no pseudo-terminal's, a terminal that is in use already, or is not, and above the
  ///   ``limit``.
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

  /// The connection is over: ends its recordings, and its terminals in the login records.
  mutating func end(_ subject: Subject, uid: UInt32) -> [Action] {
    let recordings = recordings.sorted { $0.key < $1.key }.map { channel, path in
      var fact = Self.fact(.recordingFinished, .error, channel, path)
      fact.reason = Reason(RecordingFailure.transportLost)
      return Action.audit(fact, subject)
    }
    let logins = inUse.sorted { $0.key < $1.key }.map { name, process in
      Action.recordLogin(LoginEntry(.ended, name, process, subject, uid: uid))
    }
    (self.recordings, inUse) = ([:], [:])
    return recordings + logins
  }

  /// `pts/3` of `/dev/pts/3`; nil for what is no pseudo-terminal.
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

  /// A user name of at most 256 bytes, more than any file of login records holds.
  static func short(_ user: String?) -> String { String(decoding: (user ?? "").utf8.prefix(256), as: UTF8.self) }
}
