import AccessControl

/// The table of keys, in the order of the template. Reading, variables, suggestions, the template, the schema, the
/// manual, the output of `check-config` and the wire format are derived from it.
public enum KeyTable {
  /// All keys.
  public static let keys: [Key] = server + auth + shell + sftp + scp + filter + forwarding + audit + security + [match]

  /// The key with this path.
  static func key(_ path: String) -> Key? { byPath[path] }

  private static let byPath = Dictionary(keys.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })

  private static let match = Key(
    "match", .matches, \.settings.matches,
    "Blocks that change keys for some logins; if several apply, the last one wins. A block has conditions,",
    "all of which must be met, and keys in their sections: auth, shell, sftp, scp, filter, forwarding,",
    "audit.recording and the time limits of security.",
    "  - users: [\"ops-*\", \"!ops-intern\"]   names and patterns; ! excludes",
    "    groups: [staff]                     names and patterns of groups",
    "    addresses: [192.0.2.0/24]           addresses of clients",
    "    shell: {pty: false}")

  static let ranges: ValueType<[AddressRange]> =
    .list(
      .addressRange, of: "a list of addresses and ranges, such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32",
      mayBeEmpty: true
    )

  /// The longest time limit of a login, in seconds.
  static let year = 365 * 86400
}
