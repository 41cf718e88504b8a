import Audit
import IPC

extension ConnectionMachine {
  /// What is known of a login's terminals: which are recorded, and which are in the login records.
  struct Terminals: Equatable, Sendable {
    /// Terminals, and recordings, that a login may have at a time: as many as channels.
    static let limit = 1024
    /// Milliseconds that making the file of a recording may take.
    static let recorderTime: Int64 = 10_000

    /// The transport was told to have its terminals recorded.
    var isRecorded = false
    /// The channel whose file is being made.
    fileprivate var asked: UInt32?
    /// The path of each channel's recording.
    fileprivate var recordings: [UInt32: String] = [:]
    /// The first process on each terminal, by its name below /dev.
    fileprivate var inUse: [String: Int32] = [:]
  }

  // MARK: Recordings

  /// What the transport has to know before the login is granted.
  mutating func prepareRecording(_ user: String) -> [Action] {
    let audit = context.settings.audit
    terminals.isRecorded = audit.records(user)
    return terminals.isRecorded ? [.tell(.recordTerminals(input: audit.recording.input))] : []
  }

  /// The transport wants a file for a terminal.
  mutating func record(_ channel: UInt32) -> [Action] {
    guard phase == .loggedIn, terminals.isRecorded, terminals.asked == nil, terminals.recordings[channel] == nil,
      terminals.recordings.count < Terminals.limit
    else { return violation("asked for a recording out of turn") }
    terminals.asked = channel
    return [
      .openRecording(directory: context.settings.audit.recordingDirectory),
      .setTimer(.recording, milliseconds: Terminals.recorderTime),
    ]
  }

  /// The file is there.
  mutating func recordingOpened(_ path: String) -> [Action] {
    guard let channel = terminals.asked else { return [] }
    terminals.asked = nil
    var fact = Fact(.recordingStarted)
    fact.path = Array(path.utf8)
    fact.channel = channel
    guard phase == .loggedIn else { return [.cancelTimer(.recording)] }
    terminals.recordings[channel] = path
    return [.cancelTimer(.recording), .audit(fact, subject), .giveRecording(channel: channel, title: title)]
  }

  /// There is no file, or not in time.
  mutating func recordingFailed(_ why: String) -> [Action] {
    guard let channel = terminals.asked else { return [] }
    terminals.asked = nil
    var fact = Fact(.recordingStarted, .error)
    fact.channel = channel
    fact.reason = Reason(RecordingFailure.failed)
    fact.details = why
    let told: [Action] = [.cancelTimer(.recording), .audit(fact, subject)]
    guard phase == .loggedIn else { return told }
    return told + (unrecorded() ?? [.tell(.recording(channel: channel, title: nil))])
  }

  /// The transport says that a recording is over.
  mutating func recorded(_ end: RecordingEnd) -> [Action] {
    guard let path = terminals.recordings.removeValue(forKey: end.channel) else {
      return violation("told of a recording that there is not")
    }
    var fact = Fact(.recordingFinished, end.failure == nil ? .success : .error)
    fact.path = Array(path.utf8)
    fact.channel = end.channel
    fact.bytes = end.bytes
    fact.milliseconds = end.milliseconds
    fact.details = "sha256:" + Hex.text(end.hash)
    guard let failure = end.failure else { return [.audit(fact, subject)] }
    fact.reason = Reason(RecordingFailure.failed)
    fact.details = "\(failure), \(fact.details ?? "")"
    return [.audit(fact, subject)] + (phase == .loggedIn ? unrecorded() ?? [] : [])
  }

  /// What `audit.on_failure` wants when a terminal cannot be recorded; nil: go on.
  private mutating func unrecorded() -> [Action]? {
    guard context.settings.audit.insists(onRecording: authentication.user ?? "") else { return nil }
    return end(
      reason: 11, "This login must be recorded, which is not possible now (\(CloseReason.recordingFailed))",
      log: .recordingFailed)
  }

  /// For people who look at the file.
  private var title: String {
    "\(Self.short(authentication.user ?? "")) from \(context.client.address)"
      + (subject.sessionID.map { ", session \($0)" } ?? "")
  }

  // MARK: Login records

  /// A session process tells of a terminal.
  mutating func terminal(_ use: TerminalUse, at now: Int64) -> [Action] {
    switch use {
    case .began(_, let path, let process):
      guard let name = Self.terminalName(path), process > 0, terminals.inUse[name] == nil,
        terminals.inUse.count < Terminals.limit
      else { return sessionMisbehaved("told of a terminal that it cannot have", at: now) }
      terminals.inUse[name] = process
      return [.recordLogin(entry(.began, name, process))]
    case .ended(let path):
      guard let name = Self.terminalName(path), let process = terminals.inUse.removeValue(forKey: name) else {
        return sessionMisbehaved("told of the end of a terminal that it does not have", at: now)
      }
      return [.recordLogin(entry(.ended, name, process))]
    }
  }

  /// The connection is over, and with it what was known of its terminals.
  mutating func endTerminals() -> [Action] {
    let recordings = terminals.recordings.sorted { $0.key < $1.key }.map { channel, path in
      var fact = Fact(.recordingFinished, .error)
      fact.path = Array(path.utf8)
      fact.channel = channel
      fact.reason = Reason(RecordingFailure.transportLost)
      return Action.audit(fact, subject)
    }
    let logins = terminals.inUse.sorted { $0.key < $1.key }.map { name, process in
      Action.recordLogin(entry(.ended, name, process))
    }
    terminals.recordings = [:]
    terminals.inUse = [:]
    return recordings + logins
  }

  private func entry(_ kind: LoginEntry.Kind, _ terminal: String, _ process: Int32) -> LoginEntry {
    var uid: UInt32 = 0
    if case .known(let answer) = identity, let account = answer.login { uid = account.uid }
    return LoginEntry(
      kind, user: Self.short(authentication.user ?? ""), uid: uid, terminal: terminal, process: process,
      address: context.client.address)
  }

  /// A name, cut where no file of login records holds more of it.
  static func short(_ user: String) -> String { String(decoding: user.utf8.prefix(256), as: UTF8.self) }

  /// `pts/3` of `/dev/pts/3`; nil for what is no pseudo-terminal.
  private static func terminalName(_ path: String) -> String? {
    guard path.hasPrefix("/dev/pts/") else { return nil }
    let number = path.utf8.dropFirst("/dev/pts/".utf8.count)
    guard (1...10).contains(number.count), number.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return String(path.dropFirst("/dev/".count))
  }
}
