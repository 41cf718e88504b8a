import Testing

@testable import FileTransfer

struct HandleTableTests {
  private let directory = try! TemporaryDirectory()

  @Test func `a handle with missing or additional bytes is unknown`() throws {
    try directory.write("a", "content")
    var client = try Client(in: directory)
    let handle = try client.opened("a", 1)
    #expect(handle.count == 8)
    let others = [
      [], Array(handle.dropFirst()), Array(handle.dropLast()), [0] + handle, handle + [0], handle + handle,
    ]
    for other in others {
      #expect(try client.read(other, 0, 7).status == .failure, "\(other.count) bytes")
      #expect(try client.close(other) == .failure, "\(other.count) bytes")
    }
    #expect(try client.read(handle, 0, 7).string == Array("content".utf8))
    #expect(try client.close(handle) == .ok)
    #expect(try client.close(handle) == .failure)
  }

  @Test func `the handle of a file is not accepted for a directory, nor the reverse`() throws {
    try directory.write("a", "content")
    var client = try Client(in: directory)
    let file = try client.opened("a", 1)
    let folder = try client.ask(11, "/").string
    #expect(try client.ask(12) { $0.string(file) }.status == .failure)
    #expect(try client.read(folder, 0, 7).status == .failure)
    #expect(try client.read(file, 0, 7).string == Array("content".utf8))
    #expect(try client.ask(12) { $0.string(folder) }.type == 104)
  }
}
