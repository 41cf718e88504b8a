import System

/// What happened to files, for a log or an audit trail. Paths are absolute, as the client sees them, after resolution.
public enum FileEvent: Equatable, Sendable {
  case opened(path: [UInt8], reading: Bool, writing: Bool)
  /// Bytes were read from an open file, or written to it; only for who ``FileObserver/hearsReadsAndWrites``.
  case read(path: [UInt8], offset: UInt64, bytes: UInt64)
  case written(path: [UInt8], offset: UInt64, bytes: UInt64)
  case closed(path: [UInt8], bytesRead: UInt64, bytesWritten: UInt64, milliseconds: UInt64)
  /// A file that was opened for writing was closed; `problem`: why not everything that the client wanted to send is in
  /// it, nil when it is.
  case uploaded(path: [UInt8], bytes: UInt64, milliseconds: UInt64, problem: UploadProblem?)
  /// A file that was read from was closed.
  case downloaded(path: [UInt8], bytes: UInt64, milliseconds: UInt64)
  case deleted(path: [UInt8], directory: Bool)
  case renamed(from: [UInt8], to: [UInt8])
  /// A directory was made.
  case made(path: [UInt8])
  /// A link was made: symbolic with the text `target`, or hard with its first path as `target`.
  case linked(path: [UInt8], target: [UInt8], symbolic: Bool)
  /// A directory was read to the end or closed.
  case listed(path: [UInt8], entries: UInt64)
  case attributesChanged(path: [UInt8], FileChange)
  /// The gate refused; nothing was done.
  case denied(FileOperation, paths: [[UInt8]], rule: String)
  /// The system, or a session that is for reading alone, did not permit it: ``FileError/isRefusal``. The paths are those
  /// that the client named, without what the links in them mean.
  case refused(FileOperation, paths: [[UInt8]], FileError)
  /// A request of SFTP, by its name, that `-P` and `-p` of sftp-server(8) forbid.
  case forbidden(request: String)
  /// The client broke the protocol, and is served no more.
  case violated(String)
}

/// Why a file is not what its client wanted to send.
public enum UploadProblem: Equatable, Sendable {
  /// A write failed, the first one with this.
  case failed(FileError)
  /// The client went away without closing it, or could not read all of it at its side.
  case brokenOff
}

/// Hears of each ``FileEvent`` once, just after it happened.
public protocol FileObserver: AnyObject {
  /// True when it hears of every read and write, too.
  var hearsReadsAndWrites: Bool { get }

  func record(_ event: FileEvent)

  /// The client's next bytes are about to be waited for.
  func rest(waitingFor input: Descriptor)
}

extension FileObserver {
  public var hearsReadsAndWrites: Bool { false }

  public func rest(waitingFor input: Descriptor) {}
}
