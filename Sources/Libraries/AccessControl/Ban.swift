/// A period in which a source may not connect.
public struct Ban: Hashable, Sendable {
  /// The source that is banned.
  public var source: ClientSource
  /// End of the ban in milliseconds. After its end, a ban still lengthens the next one.
  public var end: Int64
  /// The position in a series of bans, counted from 1.
  public var count: Int

  public init(source: ClientSource, end: Int64, count: Int) {
    self.source = source
    self.end = end
    self.count = count
  }
}
