import Wire

// The rules are sent with the settings from process to process, down to the one that transfers files.

extension TransferFilter: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.boolean(isEnabled)
    writer.text(defaultAction.rawValue)
    writer.list(rules) { $1.encode(to: &$0) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    self.init()
    isEnabled = try reader.boolean()
    defaultAction = try reader.choice()
    rules = try reader.list(minimumSize: 16) { (r: inout WireReader) throws(WireError) in try FilterRule(from: &r) }
    guard rules.count <= Self.mostRules else { throw .tooLong }
  }
}

extension FilterRule: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.optional(name) { $0.text($1) }
    matcher.encode(to: &writer)
    writer.text(action.rawValue)
    writer.list(operations) { $0.text($1.rawValue) }
    writer.list(users) { $0.text($1) }
    writer.list(groups) { $0.text($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let name = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    let matcher = try FilterMatcher(from: &reader)
    self.init(name: name, action: try reader.choice())
    self.matcher = matcher
    operations = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.choice() }
    users = try reader.texts()
    groups = try reader.texts()
  }
}

extension FilterMatcher: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.optional(pattern) { $0.text($1.pattern) }
    writer.optional(pathPrefix) { $0.text($1) }
    writer.list(extensions) { $0.text($1) }
    writer.optional(directory) { $0.text($1) }
    writer.optional(minSize) { $0.uint64($1) }
    writer.optional(maxSize) { $0.uint64($1) }
    writer.list(not) { $1.encode(to: &$0) }
    writer.optional(composite) { writer, composite in
      writer.text(composite.kind.rawValue)
      writer.list(composite.matchers) { $1.encode(to: &$0) }
    }
  }

  public init(from reader: inout WireReader) throws(WireError) { try self.init(from: &reader, depth: 0) }

  private init(from reader: inout WireReader, depth: Int) throws(WireError) {
    guard depth <= Self.deepest else { throw .tooLong }
    self.init()
    pattern = try reader.optional { (r: inout WireReader) throws(WireError) in
      let text = try r.text(limit: Glob.longest)
      do throws(GlobError) { return try Glob(text) } catch { throw .malformed }
    }
    pathPrefix = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    extensions = try reader.texts()
    directory = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    minSize = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint64() }
    maxSize = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint64() }
    not = try reader.matchers(depth: depth + 1)
    composite = try reader.optional { (r: inout WireReader) throws(WireError) in
      Composite(kind: try r.choice(), matchers: try r.matchers(depth: depth + 1))
    }
  }

  fileprivate static func nested(_ reader: inout WireReader, depth: Int) throws(WireError) -> FilterMatcher {
    try FilterMatcher(from: &reader, depth: depth)
  }
}

extension WireReader {
  fileprivate mutating func choice<Value: RawRepresentable<String>>() throws(WireError) -> Value {
    guard let value = Value(rawValue: try text(limit: 32)) else { throw .malformed }
    return value
  }

  fileprivate mutating func texts() throws(WireError) -> [String] {
    try list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
  }

  fileprivate mutating func matchers(depth: Int) throws(WireError) -> [FilterMatcher] {
    try list(minimumSize: 16) { (r: inout WireReader) throws(WireError) in try FilterMatcher.nested(&r, depth: depth) }
  }
}
