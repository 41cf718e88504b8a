import Glibc

/// An account of the system; getpwnam_r(3). A look-up may use the network, and block.
struct SystemAccount {
  var uid: uid_t
  var gid: gid_t

  /// nil if there is no account with this name, or if its ids cannot be those of a process.
  init?(named name: String) {
    var size = 1 << 12
    while size <= 1 << 20 {
      var entry = passwd()
      var found: UnsafeMutablePointer<passwd>?
      var buffer = [CChar](repeating: 0, count: size)
      let code = getpwnam_r(name, &entry, &buffer, size, &found)
      if code == ERANGE {
        size *= 4
        continue
      }
      guard code == 0, found != nil, entry.pw_uid != .max, entry.pw_gid != .max else { return nil }
      uid = entry.pw_uid
      gid = entry.pw_gid
      return
    }
    return nil
  }
}
