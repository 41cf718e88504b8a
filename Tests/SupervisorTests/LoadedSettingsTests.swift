import Configuration
import IPC
import System
import Testing
import Wire

@testable import Supervisor

@Suite struct LoadedSettingsTests {
  private func message(keys: UInt32 = 1, listeners: UInt32 = 0) -> [UInt8] {
    LoaderResult.loaded(
      LoadedConfiguration(warnings: ["w"], hostKeyCount: keys, listenerCount: listeners, serviceAccounts: nil)
    ).wireBytes
  }

  private func sealed(_ bytes: [UInt8] = Settings().wireBytes) throws -> Descriptor {
    try Descriptor.sealedMemory(name: "test", bytes)
  }

  @Test func `settings are received as they were loaded`() throws {
    let key = try sealed([1])
    let loaded = try LoadedSettings(message(), [try sealed(), key])
    #expect(loaded.settings == Settings())
    #expect(loaded.hostKeys.count == 1 && loaded.hostKeys[0] === key)
    #expect(loaded.warnings == ["w"])
  }

  @Test func `directories follow the other descriptors, the journal's first`() throws {
    let places = ["/j", "/r", "/s"].map { OpenedDirectory(path: $0, device: 1, inode: 2) }
    var configuration = LoadedConfiguration(
      warnings: [], hostKeyCount: 1, listenerCount: 0, hasBans: true, serviceAccounts: nil)
    configuration.journal = places[0]
    configuration.recordings = Array(places.dropFirst())
    let (null, bans) = (try Descriptor.open("/dev/null", 0), try sealed(BanList([]).wireBytes))
    let directories = [null, try null.duplicate(), try null.duplicate()]
    let loaded = try LoadedSettings(
      LoaderResult.loaded(configuration).wireBytes, [try sealed(), try sealed([1]), bans] + directories)
    #expect(loaded.journal?.directory == places[0] && loaded.journal?.descriptor === directories[0])
    #expect(loaded.recordings.map(\.directory) == Array(places.dropFirst()))
    #expect(
      loaded.recordings.map { ObjectIdentifier($0.descriptor) } == directories.dropFirst().map(ObjectIdentifier.init))
    #expect(throws: LoadedSettings.LoadError.self) {
      try LoadedSettings(LoaderResult.loaded(configuration).wireBytes, [try sealed(), try sealed([1]), bans, null])
    }
  }

  @Test func `the errors of a loader are passed on`() {
    #expect(throws: LoadedSettings.LoadError.rejected(["f:1:2: bad"])) {
      try LoadedSettings(LoaderResult.rejected(["f:1:2: bad"]).wireBytes, [])
    }
  }

  @Test func `too few or too many descriptors or no host key are refused`() throws {
    let memory = try sealed()
    for (keys, count) in [(UInt32(1), 1), (1, 3), (0, 1), (1, 0)] {
      #expect(throws: LoadedSettings.LoadError.self) {
        try LoadedSettings(message(keys: keys), Array(repeating: memory, count: count))
      }
    }
  }

  @Test func `memory that is not sealed is refused`() throws {
    let pipe = try Descriptor.pipe().reader
    for descriptors in [[pipe, try sealed()], [try sealed(), pipe]] {
      #expect(throws: LoadedSettings.LoadError.malformed("the loader sent files that can change")) {
        try LoadedSettings(message(), descriptors)
      }
    }
  }

  @Test func `a message or settings that cannot be decoded are refused`() throws {
    #expect(throws: LoadedSettings.LoadError.self) { try LoadedSettings([9], []) }
    #expect(throws: LoadedSettings.LoadError.self) {
      try LoadedSettings(message(), [try sealed([1, 2]), try sealed([1])])
    }
  }

  @Test func `server-sig-algs has the algorithm of the key for certificates`() {
    var settings = Settings()
    settings.server.publicKeyAlgorithms = [
      "rsa-sha2-512-cert-v01@openssh.com", "ssh-ed25519", "sk-ssh-ed25519-cert-v01@openssh.com",
      "ssh-ed25519-cert-v01@openssh.com",
    ]
    let transport = settings.transport(hostKeys: [], root: "")
    #expect(transport.publicKeyAlgorithms == ["rsa-sha2-512", "ssh-ed25519", "sk-ssh-ed25519@openssh.com"])
  }

  @Test func `only arguments as from bssh-server are accepted`() {
    let all = SupervisorArguments(["--log-level", "7", "--foreground", "--pid-file", "/p", "--", "/s", "-c", "x"])
    #expect(all?.isForeground == true && all?.pidFile == "/p" && all?.logLevel == .debug)
    #expect(all?.server == "/s" && all?.serverArguments == ["-c", "x"])
    let bad = [
      [], ["--"], ["--log-level", "5", "--", "/s"], ["--log-level", "6"], ["--log-level"],
      ["--log-level", "6", "--pid-file"], ["--log-level", "6", "--what", "--", "/s"],
    ]
    for arguments in bad { #expect(SupervisorArguments(arguments) == nil, "\(arguments)") }
  }

  @Test func `the log level of the command line overrides that of the settings`() throws {
    var settings = Settings()
    settings.server.logLevel = .error
    #expect(try #require(SupervisorArguments(["--", "/s"])).logLevel(settings) == .error)
    #expect(try #require(SupervisorArguments(["--log-level", "4", "--", "/s"])).logLevel(settings) == .warning)
  }

  @Test func `delays double up to the longest`() {
    var backoff = Backoff(first: 1000, limit: 30_000)
    #expect((0..<7).map { _ in backoff.fail() } == [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    for _ in 0..<1000 { #expect(backoff.fail() == 30_000) }
    backoff.succeed()
    #expect(backoff.fail() == 1000)
  }

  @Test func `sending to a child that does not read fails without blocking`() throws {
    let (ours, theirs) = try MessageSocket.pair()
    let process = try ChildProcess(.init(path: "/bin/true", arguments: ["true"], descriptors: []))
    let child = Child(number: 1, role: .transport, process: process, socket: ours)
    var failed = false
    for _ in 0..<10_000 where !failed {
      if case .failed = child.send(SecretBytes([UInt8](repeating: 1, count: 100_000))) { failed = true }
    }
    #expect(failed)
    withExtendedLifetime(theirs) {}
    process.descriptor.wait(for: 1, milliseconds: 60_000)
    #expect(process.reap() == .code(0))
  }
}
