import Foundation
import System
import Testing

@Suite struct EventLoopTests {
  @Test func `a ready descriptor is reported with its token until it is read`() throws {
    let loop = try EventLoop()
    let (reader, writer) = try Descriptor.pipe()
    try loop.add(reader, .read, token: .max)
    #expect(try loop.wait(milliseconds: 0).isEmpty)
    try writer.writeAll([1])
    for _ in 0..<2 {
      let events = try loop.wait(milliseconds: 0)
      #expect(events.map(\.token) == [.max])
      #expect(events[0].isReadable && !events[0].isWritable && !events[0].isHungUp)
    }
    loop.remove(reader)
    loop.remove(reader)
    #expect(try loop.wait(milliseconds: 0).isEmpty)
  }

  @Test func `interest can change, and a hang-up is always reported`() throws {
    let loop = try EventLoop()
    let reader: Descriptor
    do {
      let pipe = try Descriptor.pipe()
      reader = pipe.reader
      try loop.add(pipe.writer, .read, token: 1)
      #expect(try loop.wait(milliseconds: 0).isEmpty)
      try loop.modify(pipe.writer, .write, token: 2)
      #expect(try loop.wait(milliseconds: 0).map(\.token) == [2])
      try loop.add(reader, [], token: 3)
      loop.remove(pipe.writer)
      #expect(try loop.wait(milliseconds: 0).isEmpty)
    }
    let events = try loop.wait(milliseconds: 0)
    #expect(events.map(\.token) == [3] && events[0].isHungUp && events[0].isReadable)
  }

  @Test func `a descriptor cannot be watched twice, and an unwatched one cannot be changed`() throws {
    let loop = try EventLoop()
    let (reader, writer) = try Descriptor.pipe()
    try loop.add(reader, .read, token: 1)
    #expect(throws: SystemError("epoll_ctl", code: EEXIST)) { try loop.add(reader, .read, token: 2) }
    #expect(throws: SystemError("epoll_ctl", code: ENOENT)) { try loop.modify(writer, .write, token: 2) }
  }

  @Test func `at most 64 events are returned at a time, and the others next time`() throws {
    let loop = try EventLoop()
    let pipes = try (0..<70).map { _ in try Descriptor.pipe() }
    for (i, pipe) in pipes.enumerated() { try loop.add(pipe.writer, .write, token: UInt64(i)) }
    var seen: Set<UInt64> = []
    for _ in 0..<2 {
      let events = try loop.wait(milliseconds: 0)
      #expect(events.count == 64)
      seen.formUnion(events.map(\.token))
    }
    #expect(seen.count == 70)
  }
}
