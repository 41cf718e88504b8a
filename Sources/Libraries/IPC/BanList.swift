import AccessControl
import Wire

/// Bans that outlive a restart, in sealed memory: from the loader, which has read them from a file, and to the process
/// that writes the file.
///
/// ``Ban/end`` is relative to the creation of the list, so that it does not depend on a clock. It is negative for an
/// expired ban, which still makes the next one longer.
public struct BanList: WireFields, Equatable {
  /// Limit of a list on the wire, in bytes.
  public static let sizeLimit = 4 + SourceTable.capacity * 32

  /// At most ``SourceTable/capacity``.
  public var bans: [Ban]

  /// At most ``SourceTable/capacity`` bans; further ones are left out.
  public init(_ bans: [Ban]) { self.bans = Array(bans.prefix(SourceTable.capacity)) }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    bans = try coder.list(value?.bans, max: SourceTable.capacity)
  }
}
