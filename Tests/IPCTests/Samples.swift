import Audit
import IPC
import Testing
import Wire

/// A message and how to decode it.
struct Sample: Sendable, CustomTestStringConvertible, CustomStringConvertible {
  let bytes: [UInt8]
  let error: @Sendable (ArraySlice<UInt8>) -> WireError?
  let checkRoundTrip: @Sendable () throws -> Void
  let description: String

  init<Message: WireFields & Equatable>(_ message: Message, _ bytes: [UInt8]) {
    self.bytes = bytes
    error = { readingError(Message.self, $0) }
    checkRoundTrip = {
      let read = try Message(wireBytes: bytes[...])
      #expect(read == message)
      let again = try Message(wireBytes: message.wireBytes[...])
      #expect(again == message)
      // Also as a slice of other bytes.
      let around = [7, 7] + bytes + [7]
      let inside = try Message(wireBytes: around[2..<around.count - 1])
      #expect(inside == message)
    }
    description = "\(Message.self) \(message)"
  }

  var testDescription: String { String(description.prefix(80)) }
}

/// A message with one field at a limit or beyond it, and the error of decoding it.
struct LimitSample: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let expected: WireError?
  let error: @Sendable () -> WireError?
}

/// The kinds of one message type.
struct MessageKinds: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// The number of cases of the type.
  let cases: Int
  /// The kinds of the blank messages, in their order.
  let numbers: [Int]
  let error: @Sendable (ArraySlice<UInt8>) -> WireError?
}

/// The error of decoding these bytes; nil: they can be decoded.
func readingError<Message: WireCodable>(_: Message.Type, _ bytes: ArraySlice<UInt8>) -> WireError? {
  do throws(WireError) {
    _ = try Message(wireBytes: bytes)
    return nil
  } catch {
    return error
  }
}

/// The error of decoding an encoded message; nil: it can be decoded.
func readingError<Message: WireCodable>(_ message: Message) -> WireError? {
  readingError(Message.self, message.wireBytes[...])
}

/// Samples that ``FieldSampler`` creates from the descriptions of the types: each kind of each message with full and
/// with empty fields, and each field of each type at its limits and beyond.
struct Samples {
  private(set) var all: [Sample] = []
  private(set) var limits: [LimitSample] = []
  private(set) var kinds: [MessageKinds] = []
  private(set) var types: Set<String> = []
  private(set) var uncoded: [String] = []
  private(set) var choices: Set<String> = []
  private var probed: Set<String> = []

  static var all: [Sample] { made.all }
  static var limits: [LimitSample] { made.limits }
  static var kinds: [MessageKinds] { made.kinds }
  static var types: Set<String> { made.types }
  static var uncoded: [String] { made.uncoded }
  /// What the bytes of the samples mean: the bytes, and the cases and codes that numbers in messages stand for.
  static var meanings: [String] {
    made.all.map(\.description) + made.choices.sorted()
      + [Set(EventType.allCases.flatMap(\.row.reasons).map(\.code)).sorted().joined(separator: " ")]
  }

  private static let made: Samples = {
    var samples = Samples()
    samples.add(SupervisorToTransport.self)
    samples.add(TransportToSupervisor.self)
    samples.add(SupervisorToAuthority.self)
    samples.add(AuthorityToSupervisor.self)
    samples.add(AuthorityStart.self)
    samples.add(SupervisorToSession.self)
    samples.add(SessionToSupervisor.self)
    samples.add(TransportToSession.self)
    samples.add(SessionToTransport.self)
    samples.add(TransferToSession.self)
    samples.add(TransferSettings.self)
    samples.add(SupervisorToZygote.self)
    samples.add(ZygoteToSupervisor.self)
    samples.add(SupervisorToScopes.self)
    samples.add(ScopesToSupervisor.self)
    samples.add(SupervisorToJournal.self)
    samples.add(JournalToSupervisor.self)
    samples.add(AuditEvent.self)
    samples.add(SupervisorToRecorder.self)
    samples.add(RecorderToSupervisor.self)
    samples.add(ExporterToSupervisor.self)
    samples.add(ExporterSettings.self)
    samples.add(LoaderResult.self)
    samples.add(JournalOpening.self)
    samples.add(BanList.self)
    samples.add(ReloadReply.self)
    return samples
  }()

  private mutating func add<Message: WireFields & Equatable>(_ type: Message.Type, kinds: [Int] = []) {
    var full = FieldSampler(kinds: kinds)
    let message: Message = full.value(nil)
    all.append(Sample(message, full.writer.bytes))
    var bare = FieldSampler(kinds: kinds, isBare: true)
    let empty: Message = bare.value(nil)
    all.append(Sample(empty, bare.writer.bytes))
    for (name, found) in full.types where types.insert(name).inserted { if let found { self.kinds.append(found) } }
    uncoded += full.uncoded
    choices.formUnion(full.choices)
    for (index, point) in full.points.enumerated() where probed.insert(point.field).inserted {
      for option in point.options { addLimit(type, kinds, index, option, point.field) }
    }
    // Every other kind of this message, and of the messages that it contains.
    for (index, count) in full.kindCounts.enumerated().dropFirst(kinds.count) {
      let before = kinds + [Int](repeating: 0, count: index - kinds.count)
      for kind in 0..<count where kind != 0 { add(type, kinds: before + [kind]) }
    }
  }

  private mutating func addLimit<Message: WireFields & Equatable>(
    _: Message.Type, _ kinds: [Int], _ index: Int, _ option: FieldSampler.Option, _ field: String
  ) {
    limits.append(
      LimitSample(testDescription: "\(field): \(option)", expected: option.error) {
        var sampler = FieldSampler(kinds: kinds, option: option, at: index)
        let message: Message = sampler.value(nil)
        let bytes = sampler.writer.bytes
        if option.error == nil { #expect((try? Message(wireBytes: bytes[...])) == message) }
        return readingError(Message.self, bytes[...])
      })
  }
}
