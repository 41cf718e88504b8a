import Configuration
import Foundation
import IPC
import System
import Testing
import Wire

/// `load`, as bssh-supervisor uses it.
@Suite struct LoadCommandTests {
  private func load(_ arguments: [String]) throws -> (LoaderResult, [Descriptor]) {
    let (ours, theirs) = try MessageSocket.pair()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    var request = ChildProcess.Request(
      path: program, arguments: ["bssh-server", "load"] + arguments,
      descriptors: [null, null, null, theirs.descriptor])
    request.environment = ["PATH=/usr/bin:/bin"]
    let child = try ChildProcess(request)
    defer {
      child.descriptor.wait(for: POLLIN, milliseconds: 20_000)
      #expect(child.reap() == .code(0))
    }
    guard case .message(let bytes, let descriptors) = try ours.receive(wait: 20_000) else {
      throw SystemError("receive", code: ETIMEDOUT)
    }
    return (try LoaderResult(wireBytes: bytes[...]), descriptors)
  }

  @Test func `a configuration that loads is sent with sealed settings and host keys`() throws {
    guard getuid() != 0 || hasServiceAccounts else {
      return
    }
    let folder = try Folder()
    let (one, two) = (folder.file("one"), folder.file("two"))
    _ = try bsshServer("gen-host-key", "-o", one)
    _ = try bsshServer("gen-host-key", "-t", "ecdsa", "-o", two)
    let journal = folder.file("made/for/audit.log")
    let file = try folder.write(
      "c.yaml", "auth: {methods: [password]}\naudit: {exporters: [{type: file, path: \(journal)}]}\n")
    let (result, descriptors) = try load(["-c", file, "-p", "2200", "-k", one, "-k", two])
    guard case .loaded(let loaded) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(loaded.hostKeyCount == 2)
    #expect(loaded.listenerCount == 0)
    #expect((loaded.serviceAccounts != nil) == (getuid() == 0))
    #expect(
      loaded.warnings == ["\(file):1:17: auth.methods: a password can be asked for, but no user has a password_hash"])
    #expect(descriptors.count == 4)
    for descriptor in descriptors.prefix(3) { #expect(descriptor.isSealedMemory) }
    // And the directory of the journal, as a descriptor.
    #expect(loaded.journal?.path == folder.file("made/for"))
    #expect(try descriptors[3].status().inode == loaded.journal?.inode)
    let settings = try Settings(wireBytes: try descriptors[0].read(count: 1 << 20, at: 0)[...])
    #expect(settings.server.bindAddresses == [.init(address: "0.0.0.0", port: 2200), .init(address: "::", port: 2200)])
    #expect(settings.server.hostKeys == [one, two])
    for (path, descriptor) in zip([one, two], descriptors.dropFirst()) {
      let content = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(try descriptor.read(count: 1 << 20, at: 0) == Array(content))
    }
    // The journal's directory exists, and only its process has access.
    let made = try FileManager.default.attributesOfItem(atPath: folder.file("made/for"))
    #expect(made[.posixPermissions] as? Int == 0o700)
    let owner = getuid() == 0 ? getpwnam("bssh-audit").pointee.pw_uid : getuid()
    #expect(made[.ownerAccountID] as? uid_t == owner)
    let above = try FileManager.default.attributesOfItem(atPath: folder.file("made"))
    #expect(above[.ownerAccountID] as? uid_t == getuid())
    let (_, again) = try load(["-c", file, "-k", one])
    #expect(again.count == 3)
  }

  @Test func `a directory of another account is refused, and no message advises to give it away`() throws {
    guard getuid() == 0, getpwnam("bssh-audit") != nil else { return }
    let folder = try Folder()
    _ = try bsshServer("gen-host-key", "-o", folder.file("key"))
    let file = try folder.write("c.yaml", "audit: {exporters: [{type: file, path: \(folder.file("audit.log"))}]}\n")
    guard case .rejected(let problems) = try load(["-c", file, "-k", folder.file("key")]).0 else {
      Issue.record("it loads")
      return
    }
    #expect(problems.contains { $0.contains("the journal needs a directory of its own, as /var/log/bssh") })
    #expect(!problems.joined().contains("chown"))
  }

  @Test func `the problems of a configuration that does not load are sent`() throws {
    let folder = try Folder()
    let file = try folder.write("c.yaml", "server: {prot: 1}\n")
    let (result, descriptors) = try load(["-c", file])
    #expect(
      result
        == .rejected([
          "\(file):1:10: server.prot: unknown key; did you mean 'port'?",
          "\(file): server.host_keys: no host key; 'bssh-server gen-host-key -t ed25519 -o FILE' creates one",
        ]))
    #expect(descriptors.isEmpty)
  }

  @Test func `problems beyond the limit of a message are omitted and counted`() throws {
    let folder = try Folder()
    let lines = (0..<5000).map { "key_that_does_not_exist_and_is_long_\($0): 1\n" }.joined()
    let (result, _) = try load(["-c", try folder.write("c.yaml", lines)])
    guard case .rejected(let problems) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(problems.count < 5000)
    #expect(problems.last == "… and \(5001 - problems.count + 1) more")
  }
}
