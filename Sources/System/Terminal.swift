import CLinux
import Glibc

/// A pseudo-terminal: pty(7).
public final class Terminal {
  /// Rows and columns in characters, and the same in pixels; 0 where it isn't known. RFC 4254, section 6.2
  public struct Size: Equatable, Sendable {
    public var columns: UInt32
    public var rows: UInt32
    public var xPixels: UInt32
    public var yPixels: UInt32

    public init(columns: UInt32, rows: UInt32, xPixels: UInt32, yPixels: UInt32) {
      self.columns = columns
      self.rows = rows
      self.xPixels = xPixels
      self.yPixels = yPixels
    }
  }

  /// The side of the person who types.
  public let master: Descriptor
  /// The side of the programs, until `closeSlave`; keep it until they have it, or the master ends.
  public private(set) var slave: Descriptor?
  /// `/dev/pts/3`.
  public let name: String

  /// A new terminal that belongs to this process's user.
  public init() throws(SystemError) {
    master = Descriptor(owning: try check("open a terminal") { clinux_open_pty() })
    let raw = master.rawValue
    var text = [CChar](repeating: 0, count: 64)
    try check("ptsname") { clinux_pty_name(raw, &text, text.count) }
    name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    slave = Descriptor(owning: try check("open \(name)") { clinux_open_terminal(raw) })
  }

  /// The columns of the terminal that `descriptor` is; nil when it is none, or does not know.
  public static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Lets go of the programs' side, so that the master ends with the last of them.
  public func closeSlave() { slave = nil }

  /// Tells the programs a new size (SIGWINCH); values over 65,535 are cut.
  public func resize(_ size: Size) {
    clinux_set_window_size(
      master.rawValue, UInt16(clamping: size.rows), UInt16(clamping: size.columns), UInt16(clamping: size.xPixels),
      UInt16(clamping: size.yPixels))
  }

  /// The process group that has the terminal now; nil when there is none. tcgetpgrp(3)
  public var foregroundGroup: pid_t? {
    let group = tcgetpgrp(master.rawValue)
    return group > 0 ? group : nil
  }

  /// Reads, changes and sets the terminal's modes. termios(3)
  public func changeModes(_ body: (inout termios) -> Void) throws(SystemError) {
    var modes = termios()
    let raw = master.rawValue
    try check("tcgetattr") { tcgetattr(raw, &modes) }
    body(&modes)
    try check("tcsetattr") { tcsetattr(raw, TCSANOW, &modes) }
  }
}
