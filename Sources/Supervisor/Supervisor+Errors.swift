import Glibc
import System

// The standard errors of other processes. None of them has ours: what one writes is read here, and becomes a line of the log
// with its name.
extension Supervisor {
  /// Bytes that are read at a time.
  private static let errorsAtOnce = 4096

  /// A pipe for the standard error of a process; its reader never waits.
  func errorPipe() throws(SystemError) -> (reader: Descriptor, writer: Descriptor) {
    let pipe = try Descriptor.pipe()
    try pipe.reader.setNonBlocking()
    return pipe
  }

  /// Reads what a process writes from now on.
  func watchErrors(_ child: Child) {
    guard let errors = child.errors else { return }
    // When that fails nothing of it is read before the process ends.
    try? loop.add(errors, .read, token: Self.token(child.number, .errors))
  }

  /// A process has written something.
  func readErrors(_ child: Child) {
    guard let errors = child.errors else { return }
    guard let (bytes, outcome) = try? errors.read(count: Self.errorsAtOnce) else { return loop.remove(errors) }
    switch outcome {
    case .bytes: log(child.errorLines.add(bytes, at: Clock.milliseconds), of: child)
    case .wouldBlock: return
    case .ended: return loop.remove(errors)
    }
    guard let time = child.errorLines.nextTime else { return }
    loop.remove(errors)
    timers.set(.errors(child.number), at: time)
  }

  /// A process has ended: its last words.
  func finishErrors(_ child: Child) {
    guard let errors = child.errors else { return }
    loop.remove(errors)
    timers.cancel(.errors(child.number))
    let now = Clock.milliseconds
    // As much as a pipe holds.
    for _ in 0..<16 {
      guard let (bytes, outcome) = try? errors.read(count: Self.errorsAtOnce), case .bytes = outcome else { break }
      log(child.errorLines.add(bytes, at: now), of: child)
    }
    log(child.errorLines.finish(at: now), of: child)
  }

  private func log(_ lines: [String], of child: Child) {
    let connection = child.connection.map { "[\($0)] " } ?? ""
    for line in lines { log.write(.warning, "\(connection)\(child.role.name) \(child.pid) says: \(line)") }
  }
}
