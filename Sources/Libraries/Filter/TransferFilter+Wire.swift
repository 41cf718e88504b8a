import Wire

// The rules are sent with the settings from process to process, down to the one that transfers files.

extension TransferFilter: WireFields {
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    isEnabled = try coder.flag(value?.isEnabled)
    defaultAction = try coder.choice(value?.defaultAction)
    rules = try coder.list(value?.rules, max: Self.ruleLimit)
  }
}

extension FilterRule: WireFields {
  private static let mostTexts = 16_384

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    name = try coder.text(value?.name, max: 4096)
    matcher = try coder.value(value?.matcher)
    action = try coder.choice(value?.action)
    operations = try coder.list(choices: value?.operations, max: Self.mostTexts)
    users = try coder.list(value?.users, max: Self.mostTexts, length: 4096)
    groups = try coder.list(value?.groups, max: Self.mostTexts, length: 4096)
  }
}

extension FilterMatcher: WireFields {
  /// Extensions, and matchers of a composite, at most.
  private static let countLimit = 16_384

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    try self.init(fieldsOf: value, in: &coder, depth: 0)
  }

  private init<Coder: FieldCoder>(
    fieldsOf value: Self?, in coder: inout Coder, depth: Int
  ) throws(Coder.Failure) {
    let text: String? = try coder.text(value?.pattern?.pattern, length: 1...Glob.lengthLimit)
    pattern = value?.pattern ?? text.flatMap { try? Glob($0) }
    try coder.require(text == nil || pattern != nil)
    pathPrefix = try coder.text(value?.pathPrefix, max: 4096)
    extensions = try coder.list(value?.extensions, max: Self.countLimit, length: 4096)
    directory = try coder.text(value?.directory, max: 4096)
    minSize = try coder.number(value?.minSize)
    maxSize = try coder.number(value?.maxSize)
    not = try Self.list(value?.not, max: Self.countLimit, in: &coder, depth: depth)
    let kind: Composite.Kind? = try coder.choice(value?.composite?.kind)
    if let kind {
      composite = Composite(
        kind: kind, matchers: try Self.list(value?.composite?.matchers, max: Self.countLimit, in: &coder, depth: depth))
    }
  }

  /// Matchers in a matcher: none when it is as deep as one may be.
  private static func list<Coder: FieldCoder>(
    _ matchers: [Self]?, max: Int, in coder: inout Coder, depth: Int
  ) throws(Coder.Failure) -> [Self] {
    let count = try coder.count(matchers?.count, max: depth < deepest ? max : 0)
    var read: [Self] = []
    for index in 0..<count {
      let matcher = matchers.flatMap { $0.indices.contains(index) ? $0[index] : nil }
      read.append(try Self(fieldsOf: matcher, in: &coder, depth: depth + 1))
    }
    return read
  }
}
