import Foundation
import System
import Testing

@Suite struct DirectoryWatchTests {
  @Test func `a watch reports files that are created, written, renamed and removed, and nothing else`() throws {
    let folder = NSTemporaryDirectory() + "bssh-watch-\(UUID().uuidString)"
    try #require(mkdir(folder, 0o700) == 0)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let watch = try DirectoryWatch(folder)
    let file = try Descriptor.open("\(folder)/a", O_RDWR | O_CREAT, mode: 0o600)
    let changes: [() throws -> Void] = [
      {}, { try file.writeAll([1]) }, { _ = rename("\(folder)/a", "\(folder)/b") }, { unlink("\(folder)/b") },
    ]
    for change in changes {
      try change()
      #expect(watch.descriptor.wait(for: POLLIN, milliseconds: 10_000))
      try watch.drain()
      #expect(!watch.descriptor.wait(for: POLLIN, milliseconds: 0))
    }
    _ = try file.read(count: 1)
    #expect(!watch.descriptor.wait(for: POLLIN, milliseconds: 0))
    #expect(isCloseOnExec(watch.descriptor))
  }

  @Test func `a missing directory is an error that names it`() {
    #expect { try DirectoryWatch("/nowhere/at/all") } throws: {
      ($0 as? SystemError)?.description == "watch /nowhere/at/all: No such file or directory"
    }
  }
}
