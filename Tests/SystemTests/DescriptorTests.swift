import Foundation
import System
import Testing

/// The number of our descriptors whose link contains this text; others may come and go while tests run in parallel.
func openDescriptors(_ text: String) -> Int {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
  return names.filter {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?.contains(text) == true
  }.count
}

func isCloseOnExec(_ descriptor: Descriptor) -> Bool { fcntl(descriptor.rawValue, F_GETFD) & FD_CLOEXEC != 0 }

@Suite struct DescriptorTests {
  @Test func `a descriptor is closed with its last reference`() throws {
    let name = UUID().uuidString
    do {
      let memory = try Descriptor.memory(name: name)
      let again = try memory.duplicate()
      #expect(openDescriptors(name) == 2)
      withExtendedLifetime((memory, again)) {}
    }
    #expect(openDescriptors(name) == 0)
  }

  @Test func `every new descriptor is close-on-exec`() throws {
    let (reader, writer) = try Descriptor.pipe()
    let all = [
      reader, writer, try reader.duplicate(), try Descriptor.memory(name: "x"), try Descriptor.open("/", O_RDONLY),
      try Descriptor.root(), try Descriptor.root().entry(Array("proc".utf8)), try Descriptor.standardError(),
      try Descriptor.openUntrusted("/dev/null"),
    ]
    for descriptor in all { #expect(isCloseOnExec(descriptor)) }
  }

  @Test func `an empty pipe would block, and a pipe without a writer has ended`() throws {
    let (reader, writer) = try Descriptor.pipe()
    try reader.setNonBlocking()
    #expect(try reader.read(count: 10).outcome == .wouldBlock)
    try writer.writeAll([1, 2, 3])
    let (bytes, outcome) = try reader.read(count: 10)
    #expect(bytes == [1, 2, 3] && outcome == .bytes(3))
    close(fd: writer)
    let (none, end) = try reader.read(count: 10)
    #expect(none.isEmpty && end == .ended)
  }

  @Test func `a full pipe would block, and a pipe without a reader has ended`() throws {
    SignalSource.ignoreBrokenPipes()
    let (reader, writer) = try Descriptor.pipe()
    try writer.setNonBlocking()
    let page = [UInt8](repeating: 0, count: 4096)
    while try writer.write(page[...]) != .wouldBlock {}
    #expect(try writer.write(page[...]) == .wouldBlock)
    #expect(!writer.wait(for: POLLOUT, milliseconds: 0))
    close(fd: reader)
    #expect(try writer.write(page[...]) == .ended)
    #expect(throws: SystemError("write", code: EPIPE)) { try writer.writeAll(page) }
  }

  @Test func `a bad descriptor throws the system's error`() {
    let nothing = Descriptor(owning: -1)
    #expect(throws: SystemError("read", code: EBADF)) { try nothing.read(count: 1) }
    #expect(throws: SystemError("write", code: EBADF)) { try nothing.write([1][...]) }
    #expect(throws: SystemError("dup", code: EBADF)) { try nothing.duplicate() }
    let name = "/nowhere-\(UUID().uuidString)"
    #expect(throws: SystemError("open \(name)", code: ENOENT)) { try Descriptor.open(name, O_RDONLY) }
  }

  @Test func `reading at an offset keeps the file offset and stops at the end`() throws {
    let file = try Descriptor.sealedMemory(name: "x", [1, 2, 3, 4, 5])
    #expect(try file.read(count: 3, at: 1) == [2, 3, 4])
    #expect(try file.read(count: 3, at: 1) == [2, 3, 4])
    #expect(try file.read(count: 10, at: 3) == [4, 5])
    #expect(try file.read(count: 10, at: 5).isEmpty && file.read(count: 0, at: 0).isEmpty)
  }

  @Test func `reading to the end keeps to its limit`() throws {
    for (limit, isTaken) in [(5, true), (6, true), (4, false), (0, false)] {
      let (reader, writer) = try Descriptor.pipe()
      try writer.writeAll([1, 2, 3, 4, 5])
      close(fd: writer)
      #expect(try reader.readAll(limit: limit) == (isTaken ? [1, 2, 3, 4, 5] : nil))
    }
  }

  @Test func `sealed memory can be read and never changed`() throws {
    let file = try Descriptor.sealedMemory(name: "x", [1, 2, 3])
    #expect(file.isSealedMemory)
    #expect(throws: SystemError("write", code: EPERM)) { try file.write([9][...]) }
    #expect(ftruncate(file.rawValue, 0) == -1 && ftruncate(file.rawValue, 100) == -1)
    #expect(mmap(nil, 3, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0) == MAP_FAILED)
    #expect(try file.read(count: 10, at: 0) == [1, 2, 3])
  }

  @Test func `a file that is not sealed does not count as sealed`() throws {
    let file = try Descriptor.memory(name: "x")
    #expect(!file.isSealedMemory)
    #expect(try !Descriptor.open("/dev/null", O_RDWR).isSealedMemory)
    #expect(try !Descriptor.pipe().reader.isSealedMemory)
  }

  /// Closes an end of a pipe while its object still lives: /dev/null keeps the number in use.
  private func close(fd descriptor: Descriptor) {
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    dup2(null, descriptor.rawValue)
    _ = fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC)
    Glibc.close(null)
  }
}
