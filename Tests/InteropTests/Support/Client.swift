import Foundation
import System
import Testing

/// A program that a test started, with all of its output so far. It leads a session of its own.
final class Client {
  var pid: pid_t { process.pid }
  let output: Text
  let errors: Text
  private let name: String
  private let process: ChildProcess
  private var input: Descriptor?
  private var ending: Int32?

  /// Starts `arguments`; the first is looked up in PATH.
  ///
  /// - Parameter environment: added to PATH and LANG=C.UTF-8, which are otherwise the whole environment.
  init(_ arguments: [String], environment: [String: String] = [:]) throws {
    name = arguments.joined(separator: " ")
    let pipes = try (0..<3).map { _ in try Descriptor.pipe() }
    var request = ChildProcess.Request(
      path: "/usr/bin/env", arguments: ["env"] + arguments,
      descriptors: [pipes[0].reader, pipes[1].writer, pipes[2].writer])
    let surroundings = ["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"]
    request.environment = surroundings.merging(environment) { $1 }.map { "\($0)=\($1)" }
    request.newSession = true
    process = try ChildProcess(request)
    input = pipes[0].writer
    output = Text(pipes[1].reader)
    errors = Text(pipes[2].reader)
  }

  deinit {
    closeInput()
    if ending == nil { end() }
  }

  /// Writes to its standard input.
  func send(_ text: String) throws { try input?.writeAll(Array(text.utf8)) }

  func closeInput() { input = nil }

  /// Sends a signal to this process only.
  func signal(_ number: Int32) { process.signal(number) }

  /// Ends it and what it started.
  func end() {
    process.signalGroup(SIGKILL)
    _ = try? wait(within: 5)
  }

  /// Waits for its end.
  ///
  /// - Returns: the exit status, or 128 plus the signal, as a shell does.
  /// - Throws: if it takes longer; then it is ended.
  @discardableResult
  func wait(within seconds: Double = 60) throws -> Int32 {
    if let ending { return ending }
    let isInTime = process.descriptor.wait(for: POLLIN, milliseconds: Int32(seconds * 1000))
    if !isInTime {
      process.signalGroup(SIGKILL)
      process.descriptor.wait(for: POLLIN)
    }
    let status: Int32 =
      switch process.reap() {
      case .code(let code): code
      case .signal(let number, _): 128 + number
      case .unknown, nil: -1
      }
    ending = status
    guard isInTime else {
      throw Failure("\(name) did not end within \(seconds) s; it wrote: \(output.all)\n\(errors.all)")
    }
    return status
  }
}

/// Text that a thread collects from a descriptor, and for which others wait.
final class Text: @unchecked Sendable {
  private let condition = NSCondition()
  private var bytes: [UInt8] = []
  private var isComplete = false

  /// Collects what comes from `source`, to its end.
  init(_ source: Descriptor) {
    Thread.detachNewThread {
      while let (more, outcome) = try? source.read(count: 1 << 16), outcome != .ended { self.append(more) }
      self.append(nil)
    }
  }

  /// - Parameter more: nil at the end.
  private func append(_ more: [UInt8]?) {
    condition.withLock {
      if let more { bytes += more } else { isComplete = true }
      condition.broadcast()
    }
  }

  /// Everything until now.
  var all: String { condition.withLock { String(decoding: bytes, as: UTF8.self) } }

  /// Everything, once the writer has closed it.
  func whole(within seconds: Double = 60) throws -> String {
    try wait(within: seconds, "its end") { $1 ? String(decoding: $0, as: UTF8.self) : nil }
  }

  /// The number of bytes; with ``line(after:where:)`` a position to search from.
  var count: Int { condition.withLock { bytes.count } }

  /// Waits for a line that `matches`, after the first `start` bytes.
  @discardableResult
  func line(after start: Int = 0, within seconds: Double = 60, where matches: (String) -> Bool) throws -> String {
    try wait(within: seconds, "a line") { bytes, _ in
      String(decoding: bytes[start...], as: UTF8.self).split(separator: "\n").map(String.init).first(where: matches)
    }
  }

  /// Waits for a line with all of these words.
  @discardableResult
  func line(with words: String..., after start: Int = 0, within seconds: Double = 60) throws -> String {
    do {
      return try line(after: start, within: seconds) { line in words.allSatisfy { line.contains($0) } }
    } catch {
      throw Failure("no line with \(words) within \(seconds) s in:\n\(all)")
    }
  }

  private func wait<Result>(
    within seconds: Double, _ what: String, _ find: ([UInt8], Bool) -> Result?
  ) throws -> Result {
    let deadline = Date(timeIntervalSinceNow: seconds)
    return try condition.withLock {
      while true {
        if let found = find(bytes, isComplete) { return found }
        guard !isComplete, condition.wait(until: deadline) else {
          let text = String(decoding: bytes, as: UTF8.self)
          throw Failure("\(what) did not come within \(seconds) s; there is:\n\(text)")
        }
      }
    }
  }
}

/// Why a test cannot continue.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The output of a program, and how it ended.
struct Outcome {
  var status: Int32
  var output: String
  var errors: String

  /// Standard output without the newline at its end.
  var line: String { output.hasSuffix("\n") ? String(output.dropLast()) : output }
}

/// Runs a program to its end, with empty standard input.
func run(_ arguments: [String], environment: [String: String] = [:], within seconds: Double = 30) throws -> Outcome {
  let client = try Client(arguments, environment: environment)
  client.closeInput()
  let status = try client.wait(within: seconds)
  return Outcome(status: status, output: try client.output.whole(), errors: try client.errors.whole())
}

/// Runs a program that must succeed, and returns its output.
@discardableResult
func succeed(_ arguments: String...) throws -> String { try succeed(arguments) }

@discardableResult
func succeed(_ arguments: [String]) throws -> String {
  let outcome = try run(arguments)
  guard outcome.status == 0 else {
    throw Failure("\(arguments.joined(separator: " ")): \(outcome.status)\n\(outcome.output)\(outcome.errors)")
  }
  return outcome.line
}

/// Waits until a condition holds; checks again every few milliseconds.
func eventually(
  within seconds: Double = 60, _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ isSo: () throws -> Bool
) rethrows {
  let deadline = Date(timeIntervalSinceNow: seconds)
  while try !isSo() {
    guard Date() < deadline else {
      Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
      return
    }
    usleep(5000)
  }
}
