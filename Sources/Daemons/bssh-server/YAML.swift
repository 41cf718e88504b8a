import CYAML
import Configuration

/// Reads one YAML document into a tree, with libyaml's events.
///
/// Refused, with line and column: more than 8 MiB, more than 32 levels, anchors and aliases (a few lines could expand
/// to gigabytes), tags, a second document, keys that are not text, bytes that are not UTF-8.
struct YAML {
  /// Limit for a file in bytes: 100,000 address ranges fit.
  static let sizeLimit = 8 << 20
  /// Limit for nested lists and mappings.
  static let depthLimit = 32

  /// The tree of the file `name`; an empty file is a node without a value.
  ///
  /// - Throws: `Diagnostic` with line and column for what is not YAML or is refused.
  static func parse(_ bytes: [UInt8], name: String) throws(Diagnostic) -> Node {
    guard bytes.count <= sizeLimit else {
      throw Diagnostic(source: .file(name), key: "", reason: "the file is longer than 8 MiB")
    }
    guard let events = EventReader(name: name) else {
      throw Diagnostic(source: .file(name), key: "", reason: "out of memory")
    }
    var result: Result<Node, Diagnostic> = .failure(
      Diagnostic(source: .file(name), key: "", reason: "the file could not be parsed"))
    // The parser reads from the bytes until the end of the document, so they must stay where they are.
    bytes.withUnsafeBufferPointer { buffer in
      events.read(from: buffer)
      do throws(Diagnostic) { result = .success(try document(events)) } catch { result = .failure(error) }
    }
    return try result.get()
  }

  private static func document(_ events: EventReader) throws(Diagnostic) -> Node {
    try events.next()  // the start of the stream
    guard case .documentStart = try events.next().kind else { return Node(.scalar("", plain: true)) }
    let root = try node(try events.next(), events, depth: 1)
    try events.next()  // the end of the document
    let last = try events.next()
    guard case .streamEnd = last.kind else {
      throw events.problem(last.position, "a second document; a configuration has one")
    }
    return root
  }

  private static func node(_ event: Event, _ events: EventReader, depth: Int) throws(Diagnostic) -> Node {
    if case .scalar(let text, let plain) = event.kind { return Node(.scalar(text, plain: plain), at: event.position) }
    guard depth <= depthLimit else {
      throw events.problem(event.position, "lists and mappings are nested more than \(depthLimit) levels deep")
    }
    switch event.kind {
    case .sequenceStart:
      var items: [Node] = []
      while true {
        let item = try events.next()
        if case .sequenceEnd = item.kind { return Node(.sequence(items), at: event.position) }
        items.append(try node(item, events, depth: depth + 1))
      }
    case .mappingStart:
      var entries: [Node.Entry] = []
      while true {
        let key = try events.next()
        if case .mappingEnd = key.kind { return Node(.mapping(entries), at: event.position) }
        guard case .scalar(let text, _) = key.kind else {
          throw events.problem(key.position, "a key must be text")
        }
        let value = try node(try events.next(), events, depth: depth + 1)
        entries.append(.init(key: text, position: key.position, value: value))
      }
    case .scalar, .streamEnd, .documentStart, .sequenceEnd, .mappingEnd, .other:
      throw events.problem(event.position, "the document ends too early")
    }
  }
}

/// An event of libyaml.
private struct Event {
  enum Kind {
    case documentStart, streamEnd
    case scalar(String, plain: Bool)
    case sequenceStart, sequenceEnd, mappingStart, mappingEnd
    /// The start of the stream, or the end of the document.
    case other
  }

  var kind: Kind
  var position: Node.Position
}

/// Owns a libyaml parser.
private final class EventReader {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let name: String
  /// The input.
  private var text: UnsafeBufferPointer<UInt8>?

  /// nil if there is no memory.
  init?(name: String) {
    self.name = name
    parser = .allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      return nil
    }
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// Sets the input to `bytes`, which must stay valid until the last event.
  func read(from bytes: UnsafeBufferPointer<UInt8>) {
    text = bytes
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  func problem(_ position: Node.Position, _ reason: String) -> Diagnostic {
    Diagnostic(source: .file(name), position: position, key: "", reason: reason)
  }

  /// The next event.
  ///
  /// - Throws: `Diagnostic` for what is not YAML or is refused.
  @discardableResult
  func next() throws(Diagnostic) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    defer { yaml_event_delete(&event) }
    let position = Self.position(event.start_mark)
    switch event.type {
    case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, position: position)
    case YAML_STREAM_END_EVENT: return Event(kind: .streamEnd, position: position)
    case YAML_SCALAR_EVENT:
      try refuse(anchor: event.data.scalar.anchor, tag: event.data.scalar.tag, position)
      let bytes = UnsafeBufferPointer(start: event.data.scalar.value, count: event.data.scalar.length)
      guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
        throw problem(position, "text contains a NUL or is not UTF-8")
      }
      return Event(kind: .scalar(text, plain: event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE), position: position)
    case YAML_SEQUENCE_START_EVENT:
      try refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, position)
      return Event(kind: .sequenceStart, position: position)
    case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, position: position)
    case YAML_MAPPING_START_EVENT:
      try refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, position)
      return Event(kind: .mappingStart, position: position)
    case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, position: position)
    case YAML_ALIAS_EVENT:
      throw problem(position, "an alias (*name); write the value out, and text that begins with '*' in quotes")
    default: return Event(kind: .other, position: position)
    }
  }

  private func refuse(
    anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?, _ position: Node.Position
  ) throws(Diagnostic) {
    if anchor != nil { throw problem(position, "an anchor (&name); anchors and aliases are not allowed") }
    if tag != nil {
      throw problem(position, "a tag (!name); tags are not allowed, and text that begins with '!' must be in quotes")
    }
  }

  /// libyaml's error in its own words, or in ours for common mistakes.
  private func failure() -> Diagnostic {
    let reason = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
    let context = parser.pointee.context.map { String(cString: $0) } ?? ""
    // A reader error, about the encoding, has no mark but an offset.
    let isReader = parser.pointee.error == YAML_READER_ERROR
    let position =
      isReader ? Self.position(parser.pointee.mark) : Self.position(parser.pointee.problem_mark)
    if !isReader, reason.contains("cannot start any token"), byte(at: parser.pointee.problem_mark) == 0x09 {
      return problem(position, "a tab; YAML is indented with spaces")
    }
    for (kind, sign) in [("alias", "*"), ("anchor", "&"), ("tag", "!")] where context.hasSuffix(kind) {
      return problem(
        Self.position(parser.pointee.context_mark),
        "'\(sign)' has a special meaning in YAML; text that begins with it must be in quotes, as \"\(sign)\"")
    }
    return problem(position, "not valid YAML: " + reason + (context.isEmpty ? "" : " " + context))
  }

  /// The byte of the input at this position.
  private func byte(at mark: yaml_mark_t) -> UInt8? {
    guard let text else { return nil }
    var line = 0
    var start = 0
    while line < Int(mark.line), let end = text[start...].firstIndex(of: 0x0a) {
      start = end + 1
      line += 1
    }
    let place = start + Int(mark.column)
    return line == Int(mark.line) && text.indices.contains(place) ? text[place] : nil
  }

  private static func position(_ mark: yaml_mark_t) -> Node.Position {
    Node.Position(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }
}
