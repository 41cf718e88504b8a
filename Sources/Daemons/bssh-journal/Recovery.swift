import Audit
import IPC

/// Determines from the end of a file and its head where a journal continues.
///
/// After a process was killed or the power failed, the file may end within a line, and may have more or fewer lines
/// than the head states.
struct Recovery: Equatable {
  /// The head for the next line.
  var head: ChainHead
  /// The size to which the file must be truncated; nil if it needs no truncation.
  var size: UInt64?
  /// True if only the newline of the last line is missing.
  var lacksNewline = false
  /// What was found to be wrong.
  var findings = JournalFindings()

  /// Number of bytes read at the end of a file if the head is of no use: more than two lines.
  static let tailSize = 1 << 20

  /// Examines a file.
  ///
  /// - Parameters:
  ///   - size: the size of the file in bytes.
  ///   - head: nil if there is no valid one.
  ///   - first: returns the number of the oldest line; called only if there is no head.
  ///   - previous: returns the number and hash of the last line of the previous file; called only if this one has no
  ///     lines.
  ///   - read: returns at most `count` bytes from `offset`.
  /// - Throws: what `read` throws.
  init<Failure: Error>(
    size: UInt64, head: ChainHead?, first: () -> UInt64?, previous: () -> (sequence: UInt64, hash: LineHash)?,
    read: (_ offset: UInt64, _ count: Int) throws(Failure) -> [UInt8]
  ) throws(Failure) {
    if size == 0 {
      self.init(emptyWith: head, first: first, previous: previous())
    } else if let head, try Self.ends(head, size, read) {
      try self.init(after: head, size: size, read: read)
    } else {
      let count = Int(min(size, UInt64(Self.tailSize)))
      let tail = try read(size - UInt64(count), count)
      self.init(tail: tail, size: size, head: head, first: first)
      guard self.head.size == 0, let torn = self.size.map({ _ in findings.tornBytes }) else { return }
      // The file contained only an incomplete line.
      self = Recovery(emptyWith: head, first: first, previous: previous())
      self.size = 0
      findings.tornBytes = torn
    }
  }

  /// True if the line that the head describes ends at the stated position.
  private static func ends<Failure: Error>(
    _ head: ChainHead, _ size: UInt64, _ read: (UInt64, Int) throws(Failure) -> [UInt8]
  ) throws(Failure) -> Bool {
    guard head.size <= size else { return false }
    guard head.size > 0 else { return true }
    let count = Int(min(head.size, UInt64(JournalLine.lengthLimit + 2)))
    let bytes = try read(head.size - UInt64(count), count)
    guard bytes.count == count, bytes.last == UInt8(ascii: "\n") else { return false }
    let line = bytes.dropLast()
    let start = line.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? line.startIndex
    return LineHash(of: line[start...]) == head.hash
  }

  /// The file matches the head up to its stated size; more lines may follow.
  private init<Failure: Error>(
    after head: ChainHead, size: UInt64, read: (UInt64, Int) throws(Failure) -> [UInt8]
  ) throws(Failure) {
    self.init(head: head)
    while self.head.size < size {
      let count = Int(min(size - self.head.size, UInt64(JournalLine.lengthLimit + 1)))
      let bytes = try read(self.head.size, count)
      let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
      let isWhole = end < bytes.endIndex
      if follow(bytes[..<end], isWhole: isWhole) { continue }
      try leaveOut(bytes[..<end], isWhole, size, read)
      return
    }
  }

  /// Accepts a line if it is the next one in the chain.
  private mutating func follow(_ bytes: ArraySlice<UInt8>, isWhole: Bool) -> Bool {
    guard let line = try? JournalLine(json: bytes), line.sequence == head.last &+ 1, line.previous == head.hash else {
      return false
    }
    head.last = line.sequence
    head.hash = LineHash(of: bytes)
    head.size += UInt64(bytes.count) + 1
    lacksNewline = !isWhole
    return true
  }

  /// The rest does not continue the chain. An incomplete last line is cut off; anything else is kept as evidence.
  private mutating func leaveOut<Failure: Error>(
    _ bytes: ArraySlice<UInt8>, _ isWhole: Bool, _ size: UInt64, _ read: (UInt64, Int) throws(Failure) -> [UInt8]
  ) throws(Failure) {
    guard isWhole || head.size + UInt64(bytes.count) < size else { return cut(to: head.size, from: size) }
    findings.isAltered = true
    let count = Int(min(size - head.size, UInt64(Self.tailSize)))
    let tail = try read(size - UInt64(count), count)
    let torn = tail.reversed().prefix { $0 != UInt8(ascii: "\n") }.count
    if torn == tail.count { keepUnended(size) } else { cut(to: size - UInt64(torn), from: size) }
  }

  /// The file ends with more bytes than our longest line. They are kept, and the next line begins after them.
  private mutating func keepUnended(_ size: UInt64) {
    lacksNewline = true
    head.size = size + 1
    findings.isAltered = true
  }

  private mutating func cut(to end: UInt64, from size: UInt64) {
    head.size = end
    guard end < size else { return }
    self.size = end
    findings.tornBytes = size - end
  }

  /// The head is of no use; the last line of the file decides.
  private init(tail: [UInt8], size: UInt64, head: ChainHead?, first: () -> UInt64?) {
    self.init(head: head ?? ChainHead(first: first() ?? 1, last: 0, hash: .none))
    let torn = tail.reversed().prefix { $0 != UInt8(ascii: "\n") }.count
    if torn == tail.count, UInt64(torn) < size {
      keepUnended(size)
      return
    }
    cut(to: size - UInt64(torn), from: size)
    let lines = tail.dropLast(torn).split(separator: UInt8(ascii: "\n"))
    let last = lines.last.flatMap { bytes in
      (try? JournalLine(json: bytes)).map { (line: $0, hash: LineHash(of: bytes)) }
    }
    let number = last?.line.sequence ?? 0
    if let last, head.map({ number > $0.last }) ?? true {
      self.head.last = number
      self.head.hash = last.hash
    } else if let head, last != nil {
      // The chain continues from the head, so that the break remains visible.
      findings.missingLines = head.last - max(number, head.first - 1)
      findings.isAltered = findings.missingLines == 0
    } else {
      findings.isAltered = true
    }
  }

  /// The file is new; the chain continues from the previous file.
  private init(
    emptyWith head: ChainHead?, first: () -> UInt64?, previous: (sequence: UInt64, hash: LineHash)?
  ) {
    self.init(head: head ?? ChainHead(first: first() ?? 1, last: 0, hash: .none))
    let hadLines = self.head.size > 0
    self.head.size = 0
    guard let head else {
      guard let previous else { return }
      self.head.last = previous.sequence
      self.head.hash = previous.hash
      return
    }
    guard hadLines, head.hash != previous?.hash else { return }
    let known = previous.map(\.sequence) ?? head.first - 1
    if known < head.last { findings.missingLines = head.last - max(known, head.first - 1) }
  }

  private init(head: ChainHead) { self.head = head }
}
