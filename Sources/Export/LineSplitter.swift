/// Cuts what is read of a file into its lines, without their ends. Holds no more than one line that is not complete.
public struct LineSplitter: Sendable {
  /// A line and where it begins in the file.
  public struct Line: Equatable, Sendable {
    public let offset: UInt64
    public let bytes: ArraySlice<UInt8>
  }

  /// Bytes that a line may have; of a longer one the whole is passed over.
  public static let longest = 1 << 20

  /// Where the bytes begin that come next.
  public private(set) var offset: UInt64
  private var held: [UInt8] = []
  private var heldOffset: UInt64
  private var isTooLong = false

  /// Begins at `offset`, where a line begins.
  public init(offset: UInt64 = 0) {
    self.offset = offset
    heldOffset = offset
  }

  /// Where the line begins that is not complete yet.
  public var lineOffset: UInt64 { heldOffset }

  /// The lines that `chunk` completes.
  public mutating func take(_ chunk: [UInt8]) -> [Line] {
    var lines: [Line] = []
    var start = 0
    while let end = chunk[start...].firstIndex(of: UInt8(ascii: "\n")) {
      if held.isEmpty && !isTooLong {
        lines.append(Line(offset: offset + UInt64(start), bytes: chunk[start..<end]))
      } else {
        if !isTooLong { lines.append(Line(offset: heldOffset, bytes: (held + chunk[start..<end])[...])) }
        held = []
        isTooLong = false
      }
      start = end + 1
      heldOffset = offset + UInt64(start)
    }
    held += chunk[start...]
    if held.count > Self.longest {
      held = []
      isTooLong = true
    }
    offset += UInt64(chunk.count)
    return lines
  }
}
