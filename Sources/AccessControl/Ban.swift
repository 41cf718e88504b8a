/// A time in which a source may not connect.
public struct Ban: Hashable, Sendable {
  public var source: ClientSource
  /// Milliseconds; a ban that is over still counts for the length of the next one.
  public var end: Int64
  /// How many bans in a row this is, from 1.
  public var count: Int

  public init(source: ClientSource, end: Int64, count: Int) {
    self.source = source
    self.end = end
    self.count = count
  }
}
