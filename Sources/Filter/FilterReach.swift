/// What a matcher says of everything that can be below a directory.
///
/// Two directories with equal reaches are the same to it: what is below one matches where it does below the other.
struct FilterReach {
  enum Extent {
    /// Nothing that is below matches.
    case nothing
    /// Some of it can.
    case some
    /// All of it does.
    case everything
  }

  /// What one condition says; equal ones of two directories match the same below both.
  enum Part: Equatable {
    case nothing, everything
    /// What the entry is called, or how large it is, decides, wherever it is.
    case entry
    /// A pattern is in these states at the directory.
    case glob([Int])
    /// The directory is above the prefix, of which these names are left.
    case prefix([[UInt8]])
  }

  static let nothing = FilterReach(.nothing, .nothing)
  static let everything = FilterReach(.everything, .everything)

  private(set) var extent: Extent
  /// One for each condition, in the same order for all directories.
  private var parts: [Part]

  init(_ extent: Extent, _ part: Part) {
    self.extent = extent
    parts = [part]
  }

  private init(_ extent: Extent, _ parts: [Part]) {
    self.extent = extent
    self.parts = parts
  }

  func isSame(as other: FilterReach) -> Bool {
    extent == other.extent && (extent != .some || parts == other.parts)
  }

  /// That both hold.
  func and(_ other: FilterReach) -> FilterReach {
    let extent: Extent =
      switch (extent, other.extent) {
      case (.nothing, _), (_, .nothing): .nothing
      case (.everything, .everything): .everything
      case (.some, .some), (.some, .everything), (.everything, .some): .some
      }
    return FilterReach(extent, parts + other.parts)
  }

  /// That it does not hold.
  var negated: FilterReach {
    switch extent {
    case .nothing: FilterReach(.everything, parts)
    case .some: self
    case .everything: FilterReach(.nothing, parts)
    }
  }
}

extension FilterMatcher {
  /// What is said of the paths below this absolute path, were it a directory.
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
    // Not one of them fails to hold.
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
  /// What becomes of giving something another place, and with it everything that is below it.
  ///
  /// Beside what the rules say of both paths: where they make a difference between what can be below the one and below
  /// the other, the strictest of what they can say. What really is there is not asked, it can change meanwhile.
  public func verdict(onMove request: FilterRequest, to other: FilterRequest) -> Verdict {
    var result = verdict(on: request, and: other)
    guard isEnabled else { return result }
    // What an earlier rule decides for all that is below, no later one sees; and once one made a difference, it matters
    // what the later ones say of the rest.
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
