import System

/// What happened to files, for a log or the journal. Paths are absolute as the client sees them, and resolved.
public enum FileEvent: Equatable, Sendable {
  /// A file was opened.
  case opened(path: [UInt8], reading: Bool, writing: Bool)
  /// Bytes were read from an open file; only for observers with ``FileObserver/observesReadsAndWrites``.
  case read(path: [UInt8], offset: UInt64, bytes: UInt64)
  /// Bytes were written to an open file; only for observers with ``FileObserver/observesReadsAndWrites``.
  case written(path: [UInt8], offset: UInt64, bytes: UInt64)
  /// A file was closed; `milliseconds`, here and below, is the time since it was opened.
  case closed(path: [UInt8], bytesRead: UInt64, bytesWritten: UInt64, milliseconds: UInt64)
  /// A file opened for writing was closed. `problem` is nil when the file is complete.
  case uploaded(path: [UInt8], bytes: UInt64, milliseconds: UInt64, problem: UploadProblem?)
  /// A file from which bytes were read was closed.
  case downloaded(path: [UInt8], bytes: UInt64, milliseconds: UInt64)
  /// A file or an empty directory was removed.
  case deleted(path: [UInt8], directory: Bool)
  /// A file or directory was renamed.
  case renamed(from: [UInt8], to: [UInt8])
  /// A directory was created.
  case made(path: [UInt8])
  /// A link was created at `path`. `target` is the text of a symbolic link, or the first path of a hard-linked file.
  case linked(path: [UInt8], target: [UInt8], symbolic: Bool)
  /// A directory was closed; `entries` of it were read.
  case listed(path: [UInt8], entries: UInt64)
  /// Attributes were changed; changes that failed are left out.
  case attributesChanged(path: [UInt8], FileChange)
  /// The gate refused an operation, and nothing was done.
  case denied(FileOperation, paths: [[UInt8]], rule: String)
  /// The system, or the session because it is read-only, refused permission: ``FileError/isRefusal``. The paths are
  /// those that the client named, links unresolved.
  case refused(FileOperation, paths: [[UInt8]], FileError)
  /// A request, by its SFTP name, that the options `-P` or `-p` of sftp-server(8) forbid.
  case forbidden(request: String)
  /// The client violated the protocol, and the session ends.
  case violated(String)
}

/// Why an uploaded file is incomplete.
public enum UploadProblem: Equatable, Sendable {
  /// A write failed, the first one with this error.
  case failed(FileError)
  /// The client went away without closing the file, or could not read all of it on its side.
  case brokenOff
}

/// Receives each ``FileEvent`` once, just after it happened.
public protocol FileObserver: AnyObject {
  /// True for an observer that receives every read and write as well.
  var observesReadsAndWrites: Bool { get }

  /// Handles an event.
  func record(_ event: FileEvent)

  /// Called before the server waits for input from the client.
  func pause(waitingFor input: Descriptor)
}

extension FileObserver {
  /// Default: false.
  public var observesReadsAndWrites: Bool { false }

  /// Default: does nothing.
  public func pause(waitingFor input: Descriptor) {}
}
