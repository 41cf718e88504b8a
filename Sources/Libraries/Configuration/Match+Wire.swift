import AccessControl
import Filter
import Wire

extension Match: WireCodable {
  public func encode(to writer: inout WireWriter) {
    for patterns in [users, groups] { writer.entries(patterns) { $0.text($1.description) } }
    writer.entries(addresses) { $1.encode(to: &$0) }
    writer.list(paths) { $0.text($1) }
    values.encodeSections(to: &writer)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    self.init()
    users = try reader.entries { (r: inout WireReader) throws(WireError) in NamePattern(try r.text()) }
    groups = try reader.entries { (r: inout WireReader) throws(WireError) in NamePattern(try r.text()) }
    addresses = try reader.entries { (r: inout WireReader) throws(WireError) in try AddressRange(from: &r) }
    paths = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in
      let path = try r.text(limit: 256)
      // A key that is not known here would silently keep its value for everyone.
      guard let key = KeyTable.key(path), key.matchProblem == nil else { throw .malformed }
      return path
    }
    try values.readSections(from: &reader)
  }
}

extension WireWriter {
  fileprivate mutating func entries<Value>(
    _ entries: [Match.Entry<Value>], _ body: (inout WireWriter, Value) -> Void
  ) {
    list(entries) { writer, entry in
      writer.boolean(entry.isNegated)
      body(&writer, entry.value)
    }
  }
}

extension WireReader {
  fileprivate mutating func entries<Value>(
    _ body: (inout WireReader) throws(WireError) -> Value
  ) throws(WireError) -> [Match.Entry<Value>] {
    try list(minimumSize: 5) { (r: inout WireReader) throws(WireError) in
      let isNegated = try r.boolean()
      return Match.Entry(try body(&r), isNegated: isNegated)
    }
  }
}
