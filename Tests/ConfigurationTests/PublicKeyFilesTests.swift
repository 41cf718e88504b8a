import Configuration
import Testing

@Suite struct PublicKeyFilesTests {
  private func complaints(_ key: String, _ content: String?) -> [String] {
    let files = content.map { ["/f": HostEnvironment.File(bytes: Array($0.utf8), isReadableByOthers: true)] } ?? [:]
    return ConfigurationTests.complaints(tree("auth.publickey.\(key)", plain("/f")), on: machine(files: files))
  }

  @Test(arguments: ["trusted_user_ca_keys", "revoked_keys"]) func `a file that cannot be read is an error`(
    key: String
  ) {
    #expect(
      complaints(key, nil) == ["f.yaml: auth.publickey.\(key): cannot read '/f': No such file or directory"])
  }

  @Test func `every line of a file of CA keys must be a key`() {
    let key = "trusted_user_ca_keys"
    #expect(complaints(key, "# CA\n\(Sample.key)\n").isEmpty)
    #expect(complaints(key, "# none\n") == ["f.yaml: auth.publickey.\(key): '/f' contains no key"])
    #expect(
      complaints(key, "\(Sample.key)\nnonsense\n")
        == ["f.yaml: auth.publickey.\(key): line 2 of '/f': option 1 of the line is unknown"])
    #expect(
      complaints(key, String(repeating: " ", count: 1 << 20 | 1)) == [
        "f.yaml: auth.publickey.\(key): cannot read '/f': too long"
      ])
  }

  @Test func `an invalid list of revoked keys is an error`() {
    #expect(complaints("revoked_keys", "").isEmpty)
    #expect(
      complaints("revoked_keys", "bad") == [
        "f.yaml: auth.publickey.revoked_keys: '/f' cannot be used: line 1 is no key"
      ])
  }

  private func warnings(_ auth: Node, server: Node = mapping([:])) throws -> [String] {
    let cas = ["/cas": HostEnvironment.File(bytes: Array(Sample.key.utf8), isReadableByOthers: true)]
    return try load(mapping(["auth": auth, "server": server]), on: machine(files: cas)).warnings.map(\.description)
  }

  @Test func `keys without effect cause warnings`() throws {
    let cas = tree("trusted_user_ca_keys", plain("/cas"))
    #expect(try warnings(mapping(["publickey": cas])).isEmpty)
    #expect(
      try warnings(tree("publickey.authorized_principals_pattern", plain("/p/%u"))) == [
        "f.yaml: auth.publickey.authorized_principals_pattern: has no effect without trusted_user_ca_keys"
      ])
    #expect(
      try warnings(mapping(["publickey": cas]), server: tree("publickey_algorithms", list(plain("ssh-ed25519")))) == [
        "f.yaml: auth.publickey.trusted_user_ca_keys: no certificate is accepted: "
          + "server.publickey_algorithms contains no certificate algorithm"
      ])
    let passwords = mapping(["publickey": cas, "methods": list(plain("password"))])
    #expect(
      try warnings(passwords).contains(
        "f.yaml: auth.publickey.trusted_user_ca_keys: no certificate is accepted: "
          + "publickey is not among auth.methods"))
  }

  @Test func `CA keys suffice for publickey`() throws {
    let auth = mapping([
      "publickey": mapping(["trusted_user_ca_keys": plain("/cas"), "authorized_keys_pattern": plain("none")])
    ])
    #expect(try warnings(auth).isEmpty)
  }

  @Test func `CA keys with the pattern null cause a warning because users' files are read too`() throws {
    let auth = mapping([
      "publickey": mapping(["trusted_user_ca_keys": plain("/cas"), "authorized_keys_pattern": plain("null")])
    ])
    #expect(
      try warnings(auth) == [
        "f.yaml: auth.publickey.authorized_keys_pattern: null is the default, %h/.ssh/authorized_keys, beside "
          + "trusted_user_ca_keys; use none to read no file"
      ])
  }
}
