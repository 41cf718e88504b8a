/// Processes that are to leave the service for a scope of their own: a group of processes that systemd did not start,
/// and that is none of ours any more when it lists, limits, logs or stops. systemd.scope(5)
public struct ScopeRequest: Equatable, Sendable {
  /// The scope, `….scope`: no other unit has this name.
  public var name: String
  /// For people.
  public var description: String
  /// The slice that it belongs to; nil: the system's.
  public var slice: String?
  public var processes: [Int32]

  public init(name: String, description: String, slice: String?, processes: [Int32]) {
    self.name = name
    self.description = description
    self.slice = slice
    self.processes = processes
  }

  /// The body of StartTransientUnit(s, s, a(sv), a(sa(sv))); org.freedesktop.systemd1(5).
  ///
  /// - Parameter survivesKills: the kernel's killing one process for want of memory stops no other. Before version 253
  ///   systemd does not have this property, and does so anyway.
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
      // When the machine goes down, logins end before the network and remote files. The service is not among these: a
      // scope would wait for the end of the service's own restart, which waits for the scope.
      property("After", "as") { value in
        value.array(alignment: 4) { names in
          for name in ["network.target", "remote-fs.target"] { names.string(name) }
        }
      }
      // The slice of the user has the limits; and who stops a login hangs up shells, which ignore SIGTERM.
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
