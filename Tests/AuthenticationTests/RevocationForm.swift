import Wire

@testable import Authentication

/// Builds a revocation list section by section. OpenSSH's PROTOCOL.krl
struct RevocationForm {
  private(set) var writer = WireWriter()

  init(version: UInt32 = 1) {
    writer.raw(RevocationList.magic)
    writer.uint32(version)
    for number: UInt64 in [3, 1_700_000_000, 0] { writer.uint64(number) }
    writer.string([])
    writer.text("a list")
  }

  var bytes: [UInt8] { writer.bytes }

  mutating func section(_ type: UInt8, _ content: [UInt8]) {
    writer.byte(type)
    writer.string(content)
  }

  mutating func raw(_ bytes: [UInt8]) { writer.raw(bytes) }

  /// Adds a certificate section for the CA key `authority`; nil: for every CA.
  mutating func certificates(of authority: PublicKey?, _ parts: [(UInt8, [UInt8])]) {
    var section = WireWriter()
    section.string(authority?.blob ?? [])
    section.string([])
    for (type, content) in parts {
      section.byte(type)
      section.string(content)
    }
    self.section(1, section.bytes)
  }

  static func numbers(_ numbers: UInt64...) -> [UInt8] {
    var writer = WireWriter()
    for number in numbers { writer.uint64(number) }
    return writer.bytes
  }

  static func bitmap(from first: UInt64, _ bits: [UInt8]) -> [UInt8] {
    var writer = WireWriter()
    writer.uint64(first)
    writer.unsignedMPInt(bits)
    return writer.bytes
  }

  static func extended(_ name: String, critical: Bool, _ content: [UInt8] = []) -> [UInt8] {
    var writer = WireWriter()
    writer.text(name)
    writer.boolean(critical)
    writer.string(content)
    return writer.bytes
  }
}
