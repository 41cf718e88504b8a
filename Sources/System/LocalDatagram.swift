import CLinux

extension Descriptor {
  /// A Unix datagram socket that sends to `path`, or to an abstract name when it begins with `@`; it never waits.
  public static func datagram(to path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("connect to \(path)") { clinux_connect_datagram(path) })
  }
}
