import AccessControl
import Authentication

/// authorized_keys with options, and files of principals: everything found is in the input, options are consistent, and
/// a key can be searched for whatever the input is.
func fuzz(_ bytes: [UInt8]) {
  var last = 0
  var keys: [PublicKey] = []
  for entry in AuthorizedKeys(bytes[...]) {
    switch entry {
    case .key(let key, let options, let line):
      precondition(line > last && !key.isTooSmall)
      last = line
      let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
      precondition(lines[line - 1].contains(key.type.utf8) && lines[line - 1].count <= AuthorizedKeys.lineLimit + 1)
      check(options)
      if keys.count < 4 { keys.append(key) }
    case .refused(let reason, let line):
      precondition(line > last && !reason.isEmpty)
      last = line
    }
  }
  for key in keys {
    var search = KeySearch(KeyClaim(.key(key), user: "anna", address: IPAddress("192.0.2.7"), now: 1 << 31) { _ in 0 })
    let grant = search.find(in: KeySearch.File(name: "/k", content: bytes[...]))
    precondition(grant == nil || search.place.hasPrefix("/k:"))
    precondition(search.warnings.count <= KeySearch.warningLimit)
  }
  let names = [Array("anna".utf8), Array("ops".utf8)]
  let finding = AuthorizedPrincipals.find(names, in: bytes[...]) { precondition($0 > 0 && !$1.isEmpty) }
  if case .listed(let options) = finding {
    precondition(!options.isCertificateAuthority)
    check(options)
  }
}

private func check(_ options: KeyOptions) {
  precondition(options.isCertificateAuthority || options.principals == nil)
  precondition(options.permissions.forcedCommand?.contains(0) != true)
  precondition((options.permissions.permitOpen + options.permissions.permitListen).allSatisfy { !$0.places.isEmpty })
  // Permissions are sent to the session, which must decode what was encoded.
  precondition((try? .init(wireBytes: options.permissions.wireBytes[...])) == options.permissions)
  for time in options.expiryTimes { precondition(time.secondsInUTC < 1 << 40) }
}

extension ArraySlice<UInt8> {
  /// True if the input contains `text`.
  fileprivate func contains(_ text: String.UTF8View) -> Bool {
    indices.contains { self[$0...].starts(with: text) }
  }
}
