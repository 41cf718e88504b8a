import System
import SystemBus

/// Why no scope can be had now.
enum ScopeError: Error, CustomStringConvertible {
  case system(SystemError)
  case bus(BusError)
  /// The connection has ended.
  case closed

  var description: String {
    switch self {
    case .system(let error): "\(error)"
    case .bus(.refused(let words)): "systemd refuses to speak with us: \(words)"
    case .bus: "systemd said what cannot be understood"
    case .closed: "systemd has closed the connection"
    }
  }
}

/// A connection to systemd that is there while something is asked: systemd tells each that it has of every unit's changes.
struct ScopeClient {
  /// Sockets where systemd is to be found, the best first.
  typealias Places = [(path: String, peer: ScopeConversation.Peer)]

  /// systemd's own socket, and the bus of the system; `DBUS_SYSTEM_BUS_ADDRESS` names another bus.
  static var usualPlaces: Places {
    if let address = ProcessEnvironment.value(of: "DBUS_SYSTEM_BUS_ADDRESS") {
      return address.split(separator: ";").compactMap { part in
        part.hasPrefix("unix:path=") ? (String(part.dropFirst(10).prefix { $0 != "," }), .bus) : nil
      }
    }
    return [("/run/systemd/private", .manager), ("/run/dbus/system_bus_socket", .bus)]
  }

  private let places: Places
  private(set) var socket: Descriptor?
  private var conversation: ScopeConversation?
  private var knowsKills = true

  init(_ places: Places) { self.places = places }

  /// True when nothing is waited for.
  var isIdle: Bool { conversation?.isIdle ?? true }
  /// True when something is to be written.
  var hasOutput: Bool { !(conversation?.output.isEmpty ?? true) }

  /// Asks for a scope, and connects for that when there is no connection.
  mutating func ask(_ request: ScopeRequest, number: UInt64) throws(ScopeError) {
    if conversation == nil { try connect() }
    conversation?.ask(request, number: number)
  }

  private mutating func connect() throws(ScopeError) {
    var failure = ScopeError.closed
    for (path, peer) in places {
      do throws(SystemError) {
        socket = try Descriptor.stream(to: path)
        conversation = ScopeConversation(peer, user: ThisProcess.user, knowsKills: knowsKills)
        return
      } catch { failure = .system(error) }
    }
    throw failure
  }

  /// Writes as much as the socket takes.
  mutating func flush() throws(ScopeError) {
    guard let socket, let bytes = conversation?.output, !bytes.isEmpty else { return }
    do throws(SystemError) {
      switch try socket.write(bytes[...]) {
      case .bytes(let count): conversation?.output.removeFirst(count)
      case .wouldBlock: return
      case .ended: throw SystemError("write to systemd", code: 32)
      }
    } catch { throw .system(error) }
  }

  /// Reads what has come.
  mutating func receive() throws(ScopeError) -> [ScopeConversation.Outcome] {
    guard let socket else { return [] }
    do {
      let (bytes, outcome) = try socket.read(count: 64 << 10)
      if case .ended = outcome { throw ScopeError.closed }
      if case .wouldBlock = outcome { return [] }
      let outcomes = try conversation?.received(bytes) ?? []
      knowsKills = conversation?.knowsKills ?? knowsKills
      return outcomes
    } catch let error as SystemError {
      throw .system(error)
    } catch let error as BusError {
      throw .bus(error)
    } catch { throw .closed }
  }

  /// Ends the connection; what was asked for is forgotten.
  mutating func close() {
    socket = nil
    conversation = nil
  }
}
