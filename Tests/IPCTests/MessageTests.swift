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
    ("ToTransport", 2...10, { Samples.error(ToTransport.self, $0[...]) }),
    ("AuthenticationReply", 1...4, { Samples.error(AuthenticationReply.self, $0[...]) }),
    ("FromTransport", 2...10, { Samples.error(FromTransport.self, $0[...]) }),
    ("ToSession", 1...7, { Samples.error(ToSession.self, $0[...]) }),
    ("ToScopes", 1...1, { Samples.error(ToScopes.self, $0[...]) }),
    ("FromScopes", 1...2, { Samples.error(FromScopes.self, $0[...]) }),
    ("ReloadAnswer", 1...2, { Samples.error(ReloadAnswer.self, $0[...]) }),
    ("FromSession", 1...6, { Samples.error(FromSession.self, $0[...]) }),
    ("FromTransfer", 1...2, { Samples.error(FromTransfer.self, $0[...]) }),
    ("ToChannels", 1...2, { Samples.error(ToChannels.self, $0[...]) }),
    ("ChannelRequest", 1...9, { Samples.error(ChannelRequest.self, $0[...]) }),
    ("FromChannels", 1...6, { Samples.error(FromChannels.self, $0[...]) }),
    ("ToAuthority", 1...6, { Samples.error(ToAuthority.self, $0[...]) }),
    ("FromAuthority", 1...6, { Samples.error(FromAuthority.self, $0[...]) }),
    ("CodeAnswer", 1...3, { Samples.error(CodeAnswer.self, $0[...]) }),
    ("Verdict", 0...2, { Samples.error(Verdict.self, $0[...]) }),
    ("LoaderResult", 1...2, { Samples.error(LoaderResult.self, $0[...]) }),
    ("ToZygote", 1...2, { Samples.error(ToZygote.self, $0[...]) }),
    ("FromZygote", 1...3, { Samples.error(FromZygote.self, $0[...]) }),
    ("ToRecorder", 1...3, { Samples.error(ToRecorder.self, $0[...]) }),
    ("FromRecorder", 1...6, { Samples.error(FromRecorder.self, $0[...]) }),
    ("LoginEntry", 1...3, { Samples.error(LoginEntry.self, $0[...]) }),
    ("TerminalUse", 1...2, { Samples.error(TerminalUse.self, $0[...]) }),
    ("JournalOpening", 1...2, { Samples.error(JournalOpening.self, $0[...]) }),
    ("ToJournal", 1...4, { Samples.error(ToJournal.self, $0[...]) }),
    ("FromJournal", 1...5, { Samples.error(FromJournal.self, $0[...]) }),
    ("FromExporter", 1...3, { Samples.error(FromExporter.self, $0[...]) }),
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
