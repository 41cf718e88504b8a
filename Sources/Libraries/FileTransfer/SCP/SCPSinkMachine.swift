/// Parses what a client sends to `scp -t`, and tells what to do.
///
/// Decides only: the caller creates files and sends responses. Bytes may arrive in any pieces; at most ``longestLine``
/// are buffered.
public struct SCPSinkMachine {
  /// What the caller has to do.
  public enum Action: Equatable, Sendable {
    /// Send the response that all is well.
    case acknowledge
    /// Create a file, then call ``answer(accepted:)``.
    case file(SCPEntry, FileTimes?)
    /// Create a directory, then call ``answer(accepted:)``.
    case directory(SCPEntry, FileTimes?)
    /// Write bytes to the file that was accepted last.
    case data(ArraySlice<UInt8>)
    /// Close the file. `problem` is the sender's message if its bytes are not right.
    case fileEnded(problem: [UInt8]?)
    /// Leave the directory that was entered last.
    case directoryEnded
    /// Note that the client could not send something; after a fatal error nothing follows.
    case problem([UInt8], isFatal: Bool)
  }

  /// Longest line in bytes without the newline: the longest name, and room for a message around it.
  public static let longestLine = 8192

  private enum State: Equatable {
    /// Between records.
    case record
    /// In a control line, of which these bytes have arrived.
    case line([UInt8])
    /// Waiting for ``answer(accepted:)``, with the size of the file in bytes; nil for a directory.
    case undecided(size: UInt64?)
    /// In the content of a file, of which this many bytes remain, at least one.
    case data(UInt64)
    /// At the status byte after the content of a file.
    case status
    /// In the message after a status byte that reported an error.
    case statusLine([UInt8])
    case ended
  }

  private var state = State.record
  private var times: FileTimes?
  /// Number of directories entered and not left.
  private var depth = 0
  private let isRecursive: Bool

  /// - Parameter isRecursive: whether directories are allowed, `-r`.
  public init(isRecursive: Bool) { self.isRecursive = isRecursive }

  /// Consumes bytes of `input` up to the next action. nil means that all input was consumed and more is needed.
  ///
  /// - Throws: `SCPViolation` when the client violates the protocol.
  public mutating func next(_ input: inout ArraySlice<UInt8>) throws(SCPViolation) -> Action? {
    while let byte = input.first {
      switch state {
      case .record:
        input = input.dropFirst()
        state = .line([byte])
        if byte == UInt8(ascii: "\n") { throw SCPViolation("unexpected <newline>") }
      case .line(let begun):
        guard let line = try line(begun, &input, whole: { .line($0) }) else { continue }
        return try record(line)
      case .undecided: preconditionFailure("the last record has not been answered")
      case .data(let left):
        let part = input.prefix(Int(clamping: left))
        input = input.dropFirst(part.count)
        let rest = left - UInt64(part.count)
        state = rest == 0 ? .status : .data(rest)
        return .data(part)
      case .status:
        input = input.dropFirst()
        switch byte {
        case 0:
          state = .record
          return .fileEnded(problem: nil)
        case 1, 2: state = .statusLine([])
        default: throw SCPViolation("expected the state of a file after its bytes")
        }
      case .statusLine(let begun):
        guard let line = try line(begun, &input, whole: { .statusLine($0) }) else { continue }
        state = .record
        return .fileEnded(problem: line)
      case .ended: throw SCPViolation("nothing was expected after a fatal error")
      }
    }
    return nil
  }

  /// Tells whether the file or directory of the last action was created; call it once after each.
  public mutating func answer(accepted: Bool) {
    guard case .undecided(let size) = state else { preconditionFailure("there is nothing to answer") }
    state = .record
    guard accepted else { return }
    switch size {
    case nil: depth += 1
    case 0: state = .status
    case .some(let size): state = .data(size)
    }
  }

  /// Tells that the input has ended.
  ///
  /// - Throws: `SCPViolation` when a record, a file or a directory is incomplete.
  public func end() throws(SCPViolation) {
    switch state {
    case .record, .ended:
      if depth > 0 { throw .lostInDirectory }
    case .line, .undecided, .data, .status, .statusLine: throw .lost
    }
  }

  /// The line that starts with `begun`, without its newline, if `input` contains its end.
  private mutating func line(
    _ begun: [UInt8], _ input: inout ArraySlice<UInt8>, whole: ([UInt8]) -> State
  ) throws(SCPViolation) -> [UInt8]? {
    let end = input.firstIndex(of: UInt8(ascii: "\n"))
    let part = input[..<(end ?? input.endIndex)]
    guard begun.count + part.count <= Self.longestLine else { throw SCPViolation("a line is too long") }
    input = input[(end.map { $0 + 1 } ?? input.endIndex)...]
    if end == nil { state = whole(begun + part) }
    return end == nil ? nil : begun + part
  }

  private mutating func record(_ line: [UInt8]) throws(SCPViolation) -> Action {
    state = .record
    if let first = line.first, first == 1 || first == 2 {
      if first == 2 { state = .ended }
      return .problem(Array(line.dropFirst()), isFatal: first == 2)
    }
    let record = try SCPRecord(line[...])
    let times = times
    self.times = nil
    switch record {
    case .file(let entry):
      state = .undecided(size: entry.size)
      return .file(entry, times)
    case .directory(let entry):
      guard isRecursive else { throw SCPViolation("received directory without -r") }
      state = .undecided(size: nil)
      return .directory(entry, times)
    case .times(let times):
      self.times = times
      return .acknowledge
    case .end:
      guard depth > 0 else { throw SCPViolation("the end of a directory that did not begin") }
      depth -= 1
      return .directoryEnded
    }
  }
}
