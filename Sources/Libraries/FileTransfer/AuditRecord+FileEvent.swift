import Audit
import Glibc
import System

extension AuditRecord {
  /// The journal's record of a file event; the caller adds the protocol and the channel.
  public init(_ event: FileEvent) {
    switch event {
    case .opened(let path, let reading, let writing):
      self.init(writing ? .fileOpenWrite : .fileOpenRead, path)
      if reading && writing { details = "for reading, too" }
    case .read(let path, let offset, let bytes):
      self.init(.fileRead, path)
      (self.bytes, bytesOut, details) = (bytes, bytes, "at \(offset)")
    case .written(let path, let offset, let bytes):
      self.init(.fileWrite, path)
      (self.bytes, bytesIn, details) = (bytes, bytes, "at \(offset)")
    case .closed(let path, let read, let written, let time):
      self.init(.fileClose, path)
      (bytes, bytesIn, bytesOut, milliseconds) = (read &+ written, written, read, time)
    case .uploaded(let path, let bytes, let time, let problem):
      self.init(.fileUploaded, path)
      (self.bytes, bytesIn, milliseconds) = (bytes, bytes, time)
      if let problem { fail(problem) }
    case .downloaded(let path, let bytes, let time):
      self.init(.fileDownloaded, path)
      (self.bytes, bytesOut, milliseconds) = (bytes, bytes, time)
    case .deleted(let path, let directory): self.init(directory ? .directoryDeleted : .fileDeleted, path)
    case .renamed(let from, let to): self.init(.fileRenamed, from, to)
    case .made(let path): self.init(.directoryCreated, path)
    case .linked(let path, let target, let symbolic):
      self.init(.linkCreated, path, target)
      details = symbolic ? "symbolic link" : "hard link"
    case .listed(let path, let entries):
      self.init(.directoryListed, path)
      details = "\(entries) entries"
    case .attributesChanged(let path, let change):
      self.init(.attributesChanged, path)
      details = change.parts.joined(separator: ", ")
    case .denied(let operation, let paths, let rule):
      self.init(.transferDenied, operation, paths)
      (result, self.rule, reason) = (.denied, rule, Reason(FileRefusal.deniedByRule))
    case .refused(let operation, let paths, let error):
      self.init(.transferDenied, operation, paths)
      (result, reason) = (.denied, Reason(error.refusal))
    case .forbidden(let request):
      self.init(.transferDenied, .denied)
      (details, reason) = (request, Reason(FileRefusal.requestNotAllowed))
    case .violated(let what):
      self.init(.suspiciousActivity, .error)
      (details, reason) = (what, Reason(Suspicion.protocolViolation))
    }
  }

  /// Records that a rule with the action `log` allowed an operation.
  init(allowed operation: FileOperation, _ paths: [[UInt8]], rule: String) {
    self.init(.transferAllowed, operation, paths)
    self.rule = rule
  }

  private init(_ type: EventType, _ path: [UInt8], _ destination: [UInt8]? = nil) {
    self.init(type)
    self.path = path
    self.destination = destination
  }

  private init(_ type: EventType, _ operation: FileOperation, _ paths: [[UInt8]]) {
    self.init(type)
    path = paths.first
    destination = paths.dropFirst().first
    details = operation.rawValue
  }

  private mutating func fail(_ problem: UploadProblem) {
    result = .failure
    switch problem {
    case .brokenOff: reason = Reason(FileRefusal.brokenOff)
    case .failed(let error):
      reason = Reason(error.refusal)
      details = "\(error)"
      if case .denied(let rule) = error { self.rule = rule }
    }
  }
}

extension FileError {
  /// The reason code for the journal.
  var refusal: FileRefusal {
    switch self {
    case .denied: .deniedByRule
    case .readOnly: .readOnly
    case .system(let error):
      switch error.code {
      case EACCES, EPERM: .permissionDenied
      case EROFS: .readOnlyFileSystem
      case ENOSPC: .diskFull
      case EDQUOT: .quotaExceeded
      case EFBIG: .fileTooLarge
      default: .inputOutput
      }
    }
  }
}

extension FileChange {
  /// The changes as text, for the event's details.
  fileprivate var parts: [String] {
    var parts: [String] = []
    if let size { parts.append("size \(size)") }
    if let owner { parts.append("owner \(owner.user):\(owner.group)") }
    if let permissions { parts.append("mode \(String(permissions, radix: 8))") }
    if let times { parts.append("time \(times.modification.seconds)") }
    return parts
  }
}
