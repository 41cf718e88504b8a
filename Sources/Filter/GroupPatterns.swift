extension NamePattern {
  /// A group, as a name service has it.
  public typealias Group = (id: UInt32, name: [UInt8])

  /// Those patterns that match the name of one of these groups.
  ///
  /// Names are looked up by themselves, whoever asks, so that their number and not the account decides about the time;
  /// wildcards need the name of every group of the account.
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
