import AccessControl
import Wire

/// Bans on their way from one daemon to the next, in sealed memory: from the loader, which has read them from a file, and
/// to the process that writes the file. ``Ban/end`` counts from the moment at which the list is made, so that it means
/// the same on any clock; it is negative for a ban that is over, and still makes the next one longer.
public struct BanList: WireCodable, Equatable {
  /// Bytes of the longest list on the wire.
  public static let sizeLimit = 4 + SourceTable.capacity * 32

  public var bans: [Ban]

  /// At most ``SourceTable/capacity``; what is more is left out.
  public init(_ bans: [Ban]) { self.bans = Array(bans.prefix(SourceTable.capacity)) }

  public func encode(to writer: inout WireWriter) { writer.list(bans) { $1.encode(to: &$0) } }

  public init(from reader: inout WireReader) throws(WireError) {
    bans = try reader.list(minimumSize: 20) { (r: inout WireReader) throws(WireError) in try Ban(from: &r) }
    guard bans.count <= SourceTable.capacity else { throw .tooLong }
  }
}
