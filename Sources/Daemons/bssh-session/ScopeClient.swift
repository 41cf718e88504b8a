import System
import SystemBus

/// Why no scope can be created now.
enum ScopeError: Error, CustomStringConvertible {
  /// A system call failed.
  case system(SystemError)
  /// The conversation with systemd failed.
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

/// A connection to systemd. It exists only while a request is pending, because systemd reports the changes of all units
/// to every connection.
struct ScopeClient {
  /// Sockets of systemd, in order of preference.
  typealias Places = [(path: String, peer: ScopeConversation.Peer)]

  /// systemd's private socket and the system bus; `DBUS_SYSTEM_BUS_ADDRESS` replaces both.
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

  /// True when no request is pending.
  var isIdle: Bool { conversation?.isIdle ?? true }
  /// True when there is something to write.
  var hasOutput: Bool { !(conversation?.output.isEmpty ?? true) }

  /// Requests a scope, connecting first if necessary.
  ///
  /// - Throws: `ScopeError.system` when no connection is possible.
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

  /// Writes as much as the socket accepts.
  ///
  /// - Throws: `ScopeError.system` when the connection is closed or broken.
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

  /// Reads what has arrived, and returns the results of requests.
  ///
  /// - Throws: `ScopeError.closed` when systemd closed the connection, `.bus` when systemd refuses us or cannot be
  ///   understood, `.system` when read(2) fails.
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

  /// Closes the connection, and forgets pending requests.
  mutating func close() {
    socket = nil
    conversation = nil
  }
}
