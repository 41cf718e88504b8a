/// Reads what a client sends to `scp -t`, and says what is to be done.
///
/// Decides only: files are made, and answers given, by who asks it. Bytes may come in any pieces; at most
/// ``longestLine`` are kept.
public struct SCPSinkMachine {
  public enum Action: Equatable, Sendable {
    /// Answer that all is well.
    case acknowledge
    /// Make a file; then ``answer(accepted:)``.
    case file(SCPEntry, FileTimes?)
    /// Make a directory; then ``answer(accepted:)``.
    case directory(SCPEntry, FileTimes?)
    /// Bytes of the file that was accepted.
    case data(ArraySlice<UInt8>)
    /// The file has come to its end; its source reports `problem` when its bytes are not right.
    case fileEnded(problem: [UInt8]?)
    /// The directory that was entered last has come to its end.
    case directoryEnded
    /// The client reports that something could not be sent; when that is fatal nothing follows.
    case problem([UInt8], isFatal: Bool)
  }

  /// Bytes, without the newline: the longest name and room for a message around it.
  public static let longestLine = 8192

  private enum State: Equatable {
    /// Between records.
    case record
    /// A line has begun.
    case line([UInt8])
    /// A record waits for its answer: of so many bytes for a file, nil for a directory.
    case undecided(size: UInt64?)
    /// So many bytes of a file are to come, more than none.
    case data(UInt64)
    /// The byte that tells how the file went.
    case status
    /// The message after a byte that told of a problem.
    case statusLine([UInt8])
    case ended
  }

  private var state = State.record
  private var times: FileTimes?
  /// Directories that were entered and not left.
  private var depth = 0
  private let isRecursive: Bool

  public init(isRecursive: Bool) { self.isRecursive = isRecursive }

  /// What the next bytes ask for; takes them from `input`. nil: all of it was taken, and more is needed.
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

  /// Tells whether the file or directory of the last action is there.
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

  /// Tells that the client sends no more; throws where that leaves something half done.
  public func end() throws(SCPViolation) {
    switch state {
    case .record, .ended:
      if depth > 0 { throw .lostInDirectory }
    case .line, .undecided, .data, .status, .statusLine: throw .lost
    }
  }

  /// The line that `begun` begins, without its newline, when `input` has its end.
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
