/// A D-Bus message. D-Bus Specification, "Message Format". Of the body, only strings at the beginning are read.
struct BusMessage: Equatable {
  /// The type of a message.
  enum Kind: UInt8 {
    case call = 1
    case answer, error, signal
  }

  /// Limit of a received message in bytes; the specification allows 128 MiB.
  static let sizeLimit = 256 << 10
  /// Length in bytes of the fixed part of the header, which tells the length of the message.
  static let fixedLength = 16

  var kind: Kind
  /// Identifies a call, so that its reply can be matched.
  var serial: UInt32
  /// The serial of the call that this replies to.
  var replySerial: UInt32 = 0
  var path = ""
  var interface = ""
  var member = ""
  var errorName = ""
  var destination = ""
  /// The types of the body's values.
  var signature = ""
  var body: [UInt8] = []
  private var isBigEndian = false

  init(_ kind: Kind, serial: UInt32) {
    self.kind = kind
    self.serial = serial
  }

  /// Codes of header fields. D-Bus Specification, "Header Fields"
  private enum Field: UInt8 {
    case path = 1
    case interface, member, errorName, replySerial, destination, sender, signature, descriptorCount
  }

  /// The encoded message, little-endian.
  var bytes: [UInt8] {
    var writer = BusWriter()
    writer.byte(UInt8(ascii: "l"))
    writer.byte(kind.rawValue)
    // NO_AUTO_START for calls: no service is started to answer us. NO_REPLY_EXPECTED otherwise.
    writer.byte(kind == .call ? 2 : 1)
    writer.byte(1)
    writer.uint32(UInt32(truncatingIfNeeded: body.count))
    writer.uint32(serial)
    writer.array(alignment: 8) { fields in
      func add(_ field: Field, _ type: String, _ value: String) {
        if value.isEmpty { return }
        fields.align(8)
        fields.byte(field.rawValue)
        fields.variant(type) { type == "g" ? $0.signature(value) : $0.string(value) }
      }
      add(.path, "o", path)
      add(.interface, "s", interface)
      add(.member, "s", member)
      add(.errorName, "s", errorName)
      if replySerial != 0 {
        fields.align(8)
        fields.byte(Field.replySerial.rawValue)
        fields.variant("u") { $0.uint32(replySerial) }
      }
      add(.destination, "s", destination)
      add(.signature, "g", signature)
    }
    writer.align(8)
    return writer.bytes + body
  }

  /// The length of a message that begins with `start`; nil when more bytes are needed to know it.
  ///
  /// - Throws: `BusError.tooLong` above ``sizeLimit``, `.malformed` for an invalid byte order.
  static func length(of start: ArraySlice<UInt8>) throws(BusError) -> Int? {
    guard start.count >= fixedLength else { return nil }
    var reader = BusReader(Array(start.prefix(fixedLength)), isBigEndian: try isBigEndian(start))
    try reader.align(4)
    _ = try reader.uint32()
    let body = try reader.uint32()
    _ = try reader.uint32()
    let fields = try reader.uint32()
    // Both are checked before they are added.
    guard body <= sizeLimit, fields <= sizeLimit else { throw .tooLong }
    let length = (fixedLength + Int(fields) + 7) / 8 * 8 + Int(body)
    guard length <= sizeLimit else { throw .tooLong }
    return length
  }

  private static func isBigEndian(_ start: ArraySlice<UInt8>) throws(BusError) -> Bool {
    switch start.first {
    case UInt8(ascii: "l"): false
    case UInt8(ascii: "B"): true
    default: throw .malformed
    }
  }

  /// Decodes a whole message, skipping unknown fields; nil for a message of an unknown type.
  static func read(_ bytes: [UInt8]) throws(BusError) -> BusMessage? {
    let isBigEndian = try isBigEndian(bytes[...])
    var reader = BusReader(bytes, isBigEndian: isBigEndian)
    _ = try reader.byte()
    let kind = try reader.byte()
    _ = try reader.byte()
    guard try reader.byte() == 1 else { throw .malformed }
    let bodyLength = Int(try reader.uint32())
    var message = BusMessage(Kind(rawValue: kind) ?? .signal, serial: try reader.uint32())
    message.isBigEndian = isBigEndian
    let end = Int(try reader.uint32()) + fixedLength
    guard end <= bytes.count else { throw .truncated }
    while reader.position < end {
      try reader.align(8)
      let field = Field(rawValue: try reader.byte())
      switch (field, try reader.signature()) {
      case (.path, "o"): message.path = try reader.string()
      case (.interface, "s"): message.interface = try reader.string()
      case (.member, "s"): message.member = try reader.string()
      case (.errorName, "s"): message.errorName = try reader.string()
      case (.replySerial, "u"): message.replySerial = try reader.uint32()
      case (.destination, "s"): message.destination = try reader.string()
      case (.signature, "g"): message.signature = try reader.signature()
      // Fields of these types can be skipped.
      case (_, "s"), (_, "o"): _ = try reader.string()
      case (_, "g"): _ = try reader.signature()
      case (_, "u"): _ = try reader.uint32()
      case (_, _): throw .malformed
      }
    }
    guard reader.position == end else { throw .malformed }
    try reader.align(8)
    guard bytes.count - reader.position == bodyLength else { throw .truncated }
    message.body = Array(bytes[reader.position...])
    return Kind(rawValue: kind) == nil ? nil : message
  }

  /// The values at the beginning of the body, up to the first of another type than text or number; nil for numbers.
  func leadingTexts() throws(BusError) -> [String?] {
    var reader = BusReader(body, isBigEndian: isBigEndian)
    var texts: [String?] = []
    for type in signature {
      switch type {
      case "s", "o": texts.append(try reader.string())
      case "u":
        _ = try reader.uint32()
        texts.append(nil)
      default: return texts
      }
    }
    return texts
  }
}
