extension NamePattern {
  /// A group as the name service returns it.
  public typealias Group = (id: UInt32, name: [UInt8])

  /// The patterns that match the name of one of these groups.
  ///
  /// A pattern without wildcards is always looked up by name, so that the time depends on the patterns and not on the
  /// account. Wildcards need the name of every group of the account.
  ///
  /// - Throws: what `named` or `withID` throws.
  public static func matching<Failure: Error>(
    _ patterns: [NamePattern], groups: [UInt32], named: (String) throws(Failure) -> Group?,
    withID: (UInt32) throws(Failure) -> Group?
  ) throws(Failure) -> Set<NamePattern> {
    var found: Set<NamePattern> = []
    for pattern in patterns where pattern.isName {
      guard let group = try named(pattern.description) else { continue }
      if group.name == pattern.bytes, groups.contains(group.id) { found.insert(pattern) }
    }
    let wildcards = patterns.filter { !$0.isName }
    if wildcards.isEmpty { return found }
    for id in groups {
      guard let group = try withID(id) else { continue }
      found.formUnion(wildcards.filter { $0.matches(group.name) })
    }
    return found
  }
}
