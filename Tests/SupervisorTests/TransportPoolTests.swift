import AccessControl
import Testing

@testable import Supervisor

@Suite struct TransportPoolTests {
  private func source(_ number: UInt8) -> ClientSource { ClientSource(IPAddress(bytes: [192, 0, 2, number])!) }

  /// A pool with two ready spares, 1 and 2.
  private func ready() -> TransportPool {
    var pool = TransportPool(spares: 2)
    #expect(pool.open() == [.start, .start])
    _ = pool.started(1)
    _ = pool.started(2)
    #expect(pool.becameReady(1) == [])
    #expect(pool.becameReady(2) == [])
    return pool
  }

  @Test func `a spare serves immediately and is replaced`() {
    var pool = ready()
    #expect(pool.serve(10, of: source(1)) == [.serve(connection: 10, transport: 1), .start])
  }

  @Test func `connections without a spare are served in order`() {
    var pool = TransportPool(spares: 0)
    #expect(pool.serve(10, of: source(1)) == [.start])
    #expect(pool.serve(11, of: source(1)) == [.start])
    _ = pool.started(1)
    _ = pool.started(2)
    #expect(pool.becameReady(2) == [.serve(connection: 10, transport: 2)])
    #expect(pool.becameReady(1) == [.serve(connection: 11, transport: 1)])
  }

  @Test func `a new source does not wait for all connections of another`() {
    var pool = TransportPool(spares: 0)
    for connection in 10..<30 { _ = pool.serve(UInt64(connection), of: source(1)) }
    #expect(pool.waitingCount == 20)
    _ = pool.serve(30, of: source(2))
    for transport in 1...3 { _ = pool.started(UInt64(transport)) }
    #expect(pool.becameReady(1) == [.serve(connection: 10, transport: 1)])
    #expect(pool.becameReady(2) == [.serve(connection: 30, transport: 2)])
    #expect(pool.becameReady(3) == [.serve(connection: 11, transport: 3)])
  }

  @Test func `a transport becomes ready once, and only after its start`() {
    var pool = ready()
    #expect(pool.becameReady(1) == nil)
    #expect(pool.becameReady(99) == nil)
  }

  @Test func `failures delay further starts increasingly`() {
    var pool = TransportPool(spares: 2)
    _ = pool.open()
    #expect(pool.startFailed() == [.restartAfter(milliseconds: 100)])
    #expect(pool.startFailed() == [])
    #expect(pool.serve(10, of: source(1)) == [])
    #expect(pool.restartTime() == [.start, .start, .start])
    _ = pool.started(1)
    #expect(pool.ended(1) == [.restartAfter(milliseconds: 200)])
  }

  @Test func `the end of a transport with a connection starts nothing`() {
    var pool = ready()
    _ = pool.serve(10, of: source(1))
    #expect(pool.ended(1) == [])
  }

  @Test func `an ended connection is not served`() {
    var pool = TransportPool(spares: 0)
    _ = pool.serve(10, of: source(1))
    pool.forget(connection: 10)
    _ = pool.started(1)
    #expect(pool.becameReady(1) == [])
    #expect(pool.serve(11, of: source(1)) == [.serve(connection: 11, transport: 1)])
  }

  @Test func `new settings replace transports without a connection`() {
    var pool = ready()
    #expect(pool.replaceAll(spares: 1) == [.kill(transport: 1), .kill(transport: 2), .start])
    #expect(pool.ended(1) == [])
  }

  @Test func `after closing nothing is started`() {
    var pool = ready()
    #expect(pool.close() == [.kill(transport: 1), .kill(transport: 2)])
    #expect(pool.ended(1) == [])
    #expect(pool.restartTime() == [])
  }
}
