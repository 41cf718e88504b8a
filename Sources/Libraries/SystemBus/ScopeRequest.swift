/// A request to move processes from the service into a scope of their own: a group of processes that systemd did not
/// start. The service no longer includes them when systemd lists, limits, logs or stops it. systemd.scope(5)
public struct ScopeRequest: Equatable, Sendable {
  /// The name of the scope, ending in `.scope`; unique among the units.
  public var name: String
  /// The scope's description, for people.
  public var description: String
  /// The name of its slice; nil: the default slice of the system.
  public var slice: String?
  /// Ids of the processes.
  public var processes: [Int32]

  public init(name: String, description: String, slice: String?, processes: [Int32]) {
    self.name = name
    self.description = description
    self.slice = slice
    self.processes = processes
  }

  /// The body of a StartTransientUnit call, signature `ssa(sv)a(sa(sv))`. org.freedesktop.systemd1(5)
  ///
  /// - Parameter survivesKills: adds `OOMPolicy=continue`, so that the other processes survive when the kernel kills
  ///   one because memory runs out. systemd before version 253 does not know this property for scopes, and never stops
  ///   the others.
  func body(survivesKills: Bool) -> [UInt8] {
    var writer = BusWriter()
    writer.string(name)
    writer.string("fail")
    writer.array(alignment: 8) { list in
      func property(_ name: String, _ type: String, _ value: (inout BusWriter) -> Void) {
        list.align(8)
        list.string(name)
        list.variant(type, value)
      }
      property("Description", "s") { $0.string(description) }
      if let slice { property("Slice", "s") { $0.string(slice) } }
      // At shutdown, logins end before the network and remote file systems. The service itself is not listed: when it
      // restarts, the scope would wait for it, and it waits for the scope.
      property("After", "as") { value in
        value.array(alignment: 4) { names in
          for name in ["network.target", "remote-fs.target"] { names.string(name) }
        }
      }
      // Limits belong to the user's slice. SIGHUP ends shells, which ignore SIGTERM, when a login is stopped.
      property("TasksMax", "t") { $0.uint64(.max) }
      property("SendSIGHUP", "b") { $0.boolean(true) }
      property("CollectMode", "s") { $0.string("inactive-or-failed") }
      if survivesKills { property("OOMPolicy", "s") { $0.string("continue") } }
      property("PIDs", "au") { value in
        value.array(alignment: 4) { numbers in
          for process in processes { numbers.uint32(UInt32(bitPattern: process)) }
        }
      }
    }
    writer.array(alignment: 8) { _ in }
    return writer.bytes
  }
}
