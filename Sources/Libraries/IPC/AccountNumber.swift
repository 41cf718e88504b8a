import Wire

extension WireReader {
  /// The number of a user or group. 4294967295 is none: setresuid(2), setresgid(2) and chown(2) take it for "leave as it
  /// is".
  mutating func accountNumber() throws(WireError) -> UInt32 {
    let number = try uint32()
    guard number != .max else { throw .malformed }
    return number
  }
}
