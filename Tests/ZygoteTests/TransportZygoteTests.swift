import Foundation
import IPC
import System
import Testing
import Wire

@Suite(.timeLimit(.minutes(5))) struct TransportZygoteTests {
  static let isRoot = geteuid() == 0
  static let noCapabilities = "0000000000000000"

  /// Settings with an Ed25519 key without a known private half; no key exchange gets that far here.
  static func settings(root: String = "") -> TransportSettings {
    var blob = WireWriter()
    blob.text("ssh-ed25519")
    blob.string([UInt8](repeating: 0x58, count: 31) + [0x66])
    return TransportSettings(
      hostKeys: [blob.bytes], keyExchanges: ["curve25519-sha256"], hostKeyAlgorithms: ["ssh-ed25519"],
      ciphers: ["aes256-gcm@openssh.com"], macs: ["hmac-sha2-256-etm@openssh.com"],
      publicKeyAlgorithms: ["ssh-ed25519"], compression: false, rekeyBytes: 1 << 30, rekeyInterval: 3600,
      keepaliveInterval: 15, keepaliveCountMax: 3, maximumPacketSize: 32768, windowSize: 2 << 20, banner: "", root: root
    )
  }

  private func prepared() throws -> ZygoteUnderTest {
    let zygote = try ZygoteUnderTest("bssh-transport") { $0.limits = [.coreFile(0), .openFiles(4096)] }
    try zygote.prepare(Self.settings())
    return zygote
  }

  /// A spare transport whose sandbox is complete.
  private func spare(_ zygote: ZygoteUnderTest) throws -> Copy {
    let copy = try zygote.fork()
    #expect(try Proc.eventually { try Proc.status(copy.pid)["Seccomp"] == ["2"] })
    return copy
  }

  @Test func `a spare is in its sandbox before it has a connection`() throws {
    let zygote = try prepared()
    let copy = try spare(zygote)
    #expect(try Proc.status(copy.pid)["NoNewPrivs"] == ["1"])
    #expect(try Proc.limit("Max processes", copy.pid) == ["0", "0"])
    #expect(try Proc.limit("Max file size", copy.pid) == ["0", "0"])
    #expect(try Proc.limit("Max core file size", copy.pid) == ["0", "0"])
    #expect(try Proc.limit("Max open files", copy.pid) == ["4096", "4096"])
    #expect(try Proc.status(copy.pid)["PPid"] == ["\(getpid())"])
  }

  @Test func `the zygote gives up files and privileges once it is prepared, but may still fork`() throws {
    let zygote = try prepared()
    #expect(try Proc.status(zygote.pid)["NoNewPrivs"] == ["1"])
    #expect(try Proc.limit("Max file size", zygote.pid) == ["0", "0"])
    #expect(try Proc.status(zygote.pid)["Seccomp"] == ["0"])
  }

  @Test(.enabled(if: isRoot)) func `as root, everything ends up without privileges in an empty root`() throws {
    let root = NSTemporaryDirectory() + "bssh-zygote-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
    defer { rmdir(root) }
    let zygote = try ZygoteUnderTest("bssh-transport") {
      $0.identity = Identity(uid: 54331, gid: 54332, groups: [])
      $0.keepsChroot = true
      $0.directory = "/"
    }
    // A process with another identity starts its program only after ChildProcess returns.
    #expect(Proc.waitForProgram("bssh-transport", zygote.pid))
    let before = try Proc.status(zygote.pid)
    // CAP_SYS_CHROOT is bit 18.
    for capabilities in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
      #expect(before[capabilities] == ["0000000000040000"], "\(capabilities)")
    }
    try zygote.prepare(Self.settings(root: root))
    let copy = try spare(zygote)
    for pid in [zygote.pid, copy.pid] {
      let status = try Proc.status(pid)
      #expect(status["Uid"] == [String](repeating: "54331", count: 4))
      #expect(status["Gid"] == [String](repeating: "54332", count: 4))
      #expect(status["Groups"] == [])
      for capabilities in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        #expect(status[capabilities] == [Self.noCapabilities], "\(capabilities)")
      }
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/root") == root)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd") == root)
    }
  }

  // Needs root, because a transport cannot be inspected by its user.
  @Test(.enabled(if: isRoot)) func `a spare has its socket, its pipe and no other descriptor`() throws {
    let zygote = try prepared()
    let before = try spare(zygote)
    let copy = try spare(zygote)
    let descriptors = try Proc.descriptors(copy.pid)
    #expect(descriptors.filter { $0.key < 3 }.values.allSatisfy { $0 == "/dev/null" })
    let others = descriptors.filter { $0.key > 2 }.values.sorted()
    #expect(others.count == 2 && others[0].hasPrefix("pipe:") && others[1].hasPrefix("socket:"), "\(descriptors)")
    withExtendedLifetime(before) {}
  }

  @Test func `ps shows the role of each process`() throws {
    let zygote = try prepared()
    #expect(try Proc.title(zygote.pid) == "bssh-transport: zygote")
    let copy = try spare(zygote)
    #expect(try Proc.title(copy.pid) == "bssh-transport: spare")
    let client = try serve(copy, number: 7)
    _ = try client.keyExchangeCookie()
    #expect(try Proc.title(copy.pid) == "bssh-transport [7]")
  }

  @Test func `copies of one zygote draw different random numbers`() throws {
    let zygote = try prepared()
    let copies = try (0..<4).map { _ in try spare(zygote) }
    var cookies: Set<[UInt8]> = []
    for (i, copy) in copies.enumerated() {
      let cookie = try serve(copy, number: UInt64(i)).keyExchangeCookie()
      #expect(cookie.count == 16)
      cookies.insert(cookie)
    }
    #expect(cookies.count == copies.count)
  }

  @Test(arguments: [
    [SupervisorToTransport.signature(nil).wireBytes], [SupervisorToTransport.serve(connection: 1).wireBytes], [[99]],
  ]) func `a message that is not allowed ends a spare`(_ messages: [[UInt8]]) throws {
    let zygote = try prepared()
    let copy = try spare(zygote)
    for message in messages { try copy.control?.send(message, wait: true) }
    guard case .code(let code) = try copy.owned.end() else { throw Missing(description: "an exit") }
    #expect([ExitCode.software.rawValue, ExitCode.protocolError.rawValue].contains(code))
    #expect(zygote.owned.isRunning)
  }

  @Test func `a spare ends with its socket`() throws {
    let zygote = try prepared()
    let copy = try spare(zygote)
    copy.closeControl()
    #expect(try copy.owned.end() == .code(0))
  }

  @Test func `a transport zygote cannot be prepared without settings, and reports that`() throws {
    let zygote = try ZygoteUnderTest("bssh-transport")
    try zygote.send(SupervisorToZygote.prepare(nil).wireBytes)
    guard case .failed(number: 0, _) = try zygote.receive().message else { throw Missing(description: "a failure") }
    #expect(try zygote.owned.end() == .code(ExitCode.software.rawValue))
  }

  @Test func `an invalid host key is refused with a reason`() throws {
    let zygote = try ZygoteUnderTest("bssh-transport")
    var settings = Self.settings()
    settings.hostKeys = [[1, 2, 3]]
    try zygote.send(SupervisorToZygote.prepare(settings).wireBytes)
    guard case .failed(number: 0, let reason) = try zygote.receive().message else {
      throw Missing(description: "a failure")
    }
    #expect(reason.contains("host key"))
    #expect(try zygote.owned.end() == .code(ExitCode.software.rawValue))
  }

  /// Gives a spare the connection of a client.
  private func serve(_ copy: Copy, number: UInt64) throws -> Client {
    let listener = try Listener(SocketAddress(address: "127.0.0.1", port: 0))
    let client = try Client(port: try #require(listener.address).port)
    guard listener.descriptor.wait(for: POLLIN, milliseconds: Owned.limit),
      case .connection(let server) = listener.accept()
    else { throw Missing(description: "a connection") }
    try copy.control?.send(SupervisorToTransport.serve(connection: number).wireBytes, descriptors: [server], wait: true)
    return client
  }
}

/// A client that reads the server's first messages.
private struct Client {
  let socket: Descriptor

  init(port: UInt16) throws {
    socket = Descriptor(owning: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result != 0 { throw Missing(description: "a connection to port \(port)") }
  }

  /// The random bytes of the server's KEXINIT. RFC 4253, section 7.1
  func keyExchangeCookie() throws -> [UInt8] {
    try socket.writeAll(Array("SSH-2.0-test\r\n".utf8))
    var bytes: [UInt8] = []
    while true {
      if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
        #expect(bytes.starts(with: "SSH-2.0-".utf8))
        // uint32 packet_length, byte padding_length, byte SSH_MSG_KEXINIT, byte[16] cookie.
        let packet = bytes[(end + 1)...]
        if packet.count >= 22 {
          #expect(packet[packet.startIndex + 5] == 20)
          return Array(packet.dropFirst(6).prefix(16))
        }
      }
      guard socket.wait(for: POLLIN, milliseconds: Owned.limit) else { throw Missing(description: "a KEXINIT") }
      let (part, outcome) = try socket.read(count: 4096)
      bytes += part
      if outcome == .ended { throw Missing(description: "a KEXINIT before the end") }
    }
  }
}
