/// What a matcher says about every path that may exist below a directory.
///
/// When the reaches of two directories are the same, the matcher treats equal relative paths below both alike.
struct FilterReach {
  /// How many of the paths below the directory match.
  enum Extent {
    /// No path below matches.
    case nothing
    /// Some paths below may match.
    case some
    /// All paths below match.
    case everything
  }

  /// What one condition says; if two directories have equal parts, it matches the same relative paths below both.
  enum Part: Equatable {
    case nothing, everything
    /// The name or size of the entry decides, in whatever directory it is.
    case entry
    /// The states of a pattern after the path of the directory.
    case glob([Int])
    /// The directory is above the prefix, of which these components remain.
    case prefix([[UInt8]])
  }

  /// No path below matches.
  static let nothing = FilterReach(.nothing, .nothing)
  /// All paths below match.
  static let everything = FilterReach(.everything, .everything)

  /// How many of the paths below match.
  private(set) var extent: Extent
  /// One part for each condition, in the same order for all directories.
  private var parts: [Part]

  /// The reach of a single condition.
  init(_ extent: Extent, _ part: Part) {
    self.extent = extent
    parts = [part]
  }

  private init(_ extent: Extent, _ parts: [Part]) {
    self.extent = extent
    self.parts = parts
  }

  /// True when both directories match the same relative paths.
  func isSame(as other: FilterReach) -> Bool {
    extent == other.extent && (extent != .some || parts == other.parts)
  }

  /// The reach when both hold.
  func and(_ other: FilterReach) -> FilterReach {
    let extent: Extent =
      switch (extent, other.extent) {
      case (.nothing, _), (_, .nothing): .nothing
      case (.everything, .everything): .everything
      case (.some, .some), (.some, .everything), (.everything, .some): .some
      }
    return FilterReach(extent, parts + other.parts)
  }

  /// The reach of the opposite.
  var negated: FilterReach {
    switch extent {
    case .nothing: FilterReach(.everything, parts)
    case .some: self
    case .everything: FilterReach(.nothing, parts)
    }
  }
}

extension FilterMatcher {
  /// What the matcher says about the paths below this absolute path if it is a directory.
  func reach(below directory: [UInt8]) -> FilterReach {
    var reach = FilterReach.everything
    if let pattern { reach = reach.and(pattern.reach(below: directory)) }
    if let pathPrefix { reach = reach.and(FilterReach(of: pathPrefix, below: directory)) }
    if let name = self.directory {
      let isPart = directory.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual(name.utf8) }
      reach = reach.and(isPart ? .everything : FilterReach(.some, .entry))
    }
    if !extensions.isEmpty || minSize != nil || maxSize != nil { reach = reach.and(FilterReach(.some, .entry)) }
    for matcher in not { reach = reach.and(matcher.reach(below: directory).negated) }
    guard let composite else { return reach }
    let reaches = composite.matchers.map { $0.reach(below: directory) }
    switch composite.kind {
    case .and: return reaches.reduce(reach) { $0.and($1) }
    // Not all of them fail, by De Morgan's law.
    case .or: return reach.and(reaches.reduce(FilterReach.everything) { $0.and($1.negated) }.negated)
    case .not: return reaches.reduce(reach) { $0.and($1.negated) }
    }
  }
}

extension FilterReach {
  fileprivate init(of prefix: String, below directory: [UInt8]) {
    let slash = UInt8(ascii: "/")
    let (wanted, there) = (prefix.utf8.split(separator: slash), directory.split(separator: slash))
    guard zip(wanted, there).allSatisfy({ $0.elementsEqual($1) }) else {
      self = .nothing
      return
    }
    let rest = wanted.dropFirst(there.count).map { Array($0) }
    self = rest.isEmpty ? .everything : FilterReach(.some, .prefix(rest))
  }
}

extension TransferFilter {
  /// The verdict on moving a file or directory, which takes everything below it along.
  ///
  /// At least the stricter verdict on both paths; where the rules distinguish paths below the one from those below the
  /// other, the strictest verdict that they can give there. The actual content of the directory is not read, because it
  /// can change at any time.
  public func verdict(onMove request: FilterRequest, to other: FilterRequest) -> Verdict {
    var result = verdict(on: request, and: other)
    guard isEnabled else { return result }
    // A rule that matches everything below hides all later rules. After a rule that distinguishes the two places, the
    // later rules count for the paths that it did not match.
    var isDecided = (from: false, to: false)
    var isDifferent = false
    for (index, rule) in rules.enumerated() where concerns(rule, request) {
      let from = isDecided.from ? .nothing : rule.matcher.reach(below: request.path)
      let to = isDecided.to ? .nothing : rule.matcher.reach(below: other.path)
      if from.extent == .nothing && to.extent == .nothing { continue }
      isDifferent = isDifferent || !from.isSame(as: to)
      if isDifferent { result = result.stricter(verdict(of: rule, at: index)) }
      isDecided.from = isDecided.from || from.extent == .everything
      isDecided.to = isDecided.to || to.extent == .everything
      if isDecided.from && isDecided.to { return result }
    }
    return isDifferent ? result.stricter(Verdict(action: defaultAction, rule: nil)) : result
  }
}
