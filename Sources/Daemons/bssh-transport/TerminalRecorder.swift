import Audit
import Glibc
import IPC
import System

/// Writes the recording of one terminal to a file that it can only append to.
///
/// Lines are buffered up to a size and a time. Buffered lines are lost when this process is killed.
final class TerminalRecorder {
  /// Buffered bytes from which on lines are written at once.
  static let blockSize = 32 << 10
  /// Longest time that a line is buffered, in milliseconds.
  static let flushInterval: Int64 = 500

  private let file: Descriptor
  private let hash: RunningHash
  private let begin: Int64
  private var writer: AsciicastWriter
  private var bytes: UInt64 = 0
  /// When buffered lines have to be written, in milliseconds of the monotonic clock; nil: there are none.
  private(set) var deadline: Int64?
  /// Why nothing more is written; nil: no failure.
  private(set) var failure: String?

  init(_ file: Descriptor, _ header: AsciicastWriter.Header) {
    self.file = file
    hash = RunningHash()
    begin = Clock.microseconds
    writer = AsciicastWriter(header, at: begin)
  }

  /// Records output of the program.
  func output(_ memory: UnsafeRawBufferPointer) {
    record { $0.output(Span(_unsafeBytes: memory), at: $1) }
  }

  /// Records what the client has typed.
  func input(_ memory: UnsafeRawBufferPointer) {
    record { $0.input(Span(_unsafeBytes: memory), at: $1) }
  }

  /// Records a new size of the terminal.
  func resized(columns: UInt32, rows: UInt32) {
    record { $0.resized(columns: columns, rows: rows, at: $1) }
  }

  /// Writes buffered lines that are due.
  func flush(at now: Int64) { if let deadline, deadline <= now { write() } }

  /// Writes the remaining lines and returns the recording's size, hash and duration. Call it once.
  func finish(_ channel: UInt32) -> RecordingEnd {
    if failure == nil {
      writer.finish(at: Clock.microseconds)
      write()
    }
    return RecordingEnd(
      channel: channel, bytes: bytes, hash: hash.finish(),
      milliseconds: UInt64(max(0, Clock.microseconds - begin) / 1000), failure: failure)
  }

  private func record(_ body: (inout AsciicastWriter, Int64) -> Void) {
    guard failure == nil else { return }
    let now = Clock.microseconds
    body(&writer, now)
    if writer.waiting >= TerminalRecorder.blockSize {
      write()
    } else if deadline == nil, writer.waiting > 0 {
      deadline = now / 1000 + TerminalRecorder.flushInterval
    }
  }

  private func write() {
    deadline = nil
    writer.drain { lines in
      var rest = lines
      while !rest.isEmpty, failure == nil {
        do throws(SystemError) {
          switch try file.write(rest) {
          case .bytes(let count):
            hash.add(rest.prefix(count))
            bytes += UInt64(count)
            rest = rest.dropFirst(count)
          case .wouldBlock, .ended: failure = "the file takes no more"
          }
        } catch { failure = SystemError.message(error.code) }
      }
    }
  }
}
