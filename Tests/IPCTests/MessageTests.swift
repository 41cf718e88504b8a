import IPC
import Testing
import Wire

@Suite struct MessageTests {
  @Test(arguments: Samples.all) func `a message reads as it was written`(_ sample: Sample) throws {
    try sample.checkRoundTrip()
  }

  @Test(arguments: Samples.all) func `a message that is cut anywhere is refused`(_ sample: Sample) {
    for length in 0..<sample.bytes.count {
      #expect(sample.error(sample.bytes[..<length]) != nil, "\(sample), \(length) of \(sample.bytes.count) bytes")
    }
  }

  @Test(arguments: Samples.all) func `a message with one byte more is refused`(_ sample: Sample) {
    #expect(sample.error((sample.bytes + [0])[...]) == .trailingBytes)
  }

  @Test(arguments: Samples.all) func `a changed byte makes another message or none, and never a trap`(_ sample: Sample)
  {
    for (place, byte) in sample.bytes.enumerated() {
      for change: UInt8 in [0, 1, 0x7f, 0x80, 0xff] where change != byte {
        var bytes = sample.bytes
        bytes[place] = change
        _ = sample.error(bytes[...])
      }
    }
  }

  static let discriminated: [(name: String, known: ClosedRange<UInt8>, read: @Sendable ([UInt8]) -> WireError?)] = [
    ("SupervisorToTransport", 2...10, { Samples.error(SupervisorToTransport.self, $0[...]) }),
    ("AuthenticationReply", 1...4, { Samples.error(AuthenticationReply.self, $0[...]) }),
    ("TransportToSupervisor", 2...10, { Samples.error(TransportToSupervisor.self, $0[...]) }),
    ("SupervisorToSession", 1...7, { Samples.error(SupervisorToSession.self, $0[...]) }),
    ("SupervisorToScopes", 1...1, { Samples.error(SupervisorToScopes.self, $0[...]) }),
    ("ScopesToSupervisor", 1...2, { Samples.error(ScopesToSupervisor.self, $0[...]) }),
    ("ReloadAnswer", 1...2, { Samples.error(ReloadAnswer.self, $0[...]) }),
    ("SessionToSupervisor", 1...6, { Samples.error(SessionToSupervisor.self, $0[...]) }),
    ("TransferToSession", 1...2, { Samples.error(TransferToSession.self, $0[...]) }),
    ("TransportToSession", 1...2, { Samples.error(TransportToSession.self, $0[...]) }),
    ("ChannelRequest", 1...9, { Samples.error(ChannelRequest.self, $0[...]) }),
    ("SessionToTransport", 1...6, { Samples.error(SessionToTransport.self, $0[...]) }),
    ("SupervisorToAuthority", 1...6, { Samples.error(SupervisorToAuthority.self, $0[...]) }),
    ("AuthorityToSupervisor", 1...6, { Samples.error(AuthorityToSupervisor.self, $0[...]) }),
    ("CodeAnswer", 1...3, { Samples.error(CodeAnswer.self, $0[...]) }),
    ("Verdict", 0...2, { Samples.error(Verdict.self, $0[...]) }),
    ("LoaderResult", 1...2, { Samples.error(LoaderResult.self, $0[...]) }),
    ("SupervisorToZygote", 1...2, { Samples.error(SupervisorToZygote.self, $0[...]) }),
    ("ZygoteToSupervisor", 1...3, { Samples.error(ZygoteToSupervisor.self, $0[...]) }),
    ("SupervisorToRecorder", 1...3, { Samples.error(SupervisorToRecorder.self, $0[...]) }),
    ("RecorderToSupervisor", 1...6, { Samples.error(RecorderToSupervisor.self, $0[...]) }),
    ("LoginEntry", 1...3, { Samples.error(LoginEntry.self, $0[...]) }),
    ("TerminalUse", 1...2, { Samples.error(TerminalUse.self, $0[...]) }),
    ("JournalOpening", 1...2, { Samples.error(JournalOpening.self, $0[...]) }),
    ("SupervisorToJournal", 1...4, { Samples.error(SupervisorToJournal.self, $0[...]) }),
    ("JournalToSupervisor", 1...5, { Samples.error(JournalToSupervisor.self, $0[...]) }),
    ("ExporterToSupervisor", 1...3, { Samples.error(ExporterToSupervisor.self, $0[...]) }),
  ]

  @Test(arguments: discriminated.indices) func `a message of an unknown kind is malformed, whatever follows`(index: Int)
  {
    let (name, known, read) = Self.discriminated[index]
    for kind in UInt8.min...UInt8.max where !known.contains(kind) {
      for length in [0, 1, 8, 64] {
        let bytes = [kind] + [UInt8](repeating: 0, count: length)
        #expect(read(bytes) == .malformed, "\(name) \(kind)")
      }
    }
  }

  @Test(arguments: discriminated.indices) func `every known kind has a sample here`(index: Int) {
    let (name, known, _) = Self.discriminated[index]
    let kinds = Set(Samples.all.filter { $0.type == name }.map { $0.bytes[0] })
    #expect(kinds == Set(known), "\(name)")
  }

  @Test(arguments: Samples.all) func `every message fits into one datagram many times over`(_ sample: Sample) {
    #expect(sample.bytes.count < 160 << 10)
  }
}
