import CLinux
import Glibc

/// A pseudo-terminal. pty(7)
public final class Terminal {
  /// The size in characters and in pixels; 0 where unknown. RFC 4254, section 6.2
  public struct Size: Equatable, Sendable {
    /// Width in characters.
    public var columns: UInt32
    /// Height in characters.
    public var rows: UInt32
    /// Width in pixels.
    public var xPixels: UInt32
    /// Height in pixels.
    public var yPixels: UInt32

    public init(columns: UInt32, rows: UInt32, xPixels: UInt32, yPixels: UInt32) {
      self.columns = columns
      self.rows = rows
      self.xPixels = xPixels
      self.yPixels = yPixels
    }
  }

  /// The master side, which stands for the person at the terminal.
  public let master: Descriptor
  /// The side of the programs; nil after ``closeSlave()``. Keep it until a program has it open, because the master
  /// reads EIO when nobody does.
  public private(set) var slave: Descriptor?
  /// The path of the terminal: `/dev/pts/3`.
  public let name: String

  /// Creates a terminal that belongs to this process's user. posix_openpt(3), TIOCGPTPEER of ioctl_tty(2)
  ///
  /// - Throws: `SystemError` with ENOSPC when no pseudo-terminal is free, EMFILE when no descriptor is; otherwise with
  ///   the errno of the call that failed.
  public init() throws(SystemError) {
    master = Descriptor(owning: try check("open a terminal") { clinux_open_pty() })
    let raw = master.rawValue
    var text = [CChar](repeating: 0, count: 64)
    try check("ptsname") { clinux_pty_name(raw, &text, text.count) }
    name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    slave = Descriptor(owning: try check("open \(name)") { clinux_open_terminal(raw) })
  }

  /// The columns of the terminal open as `descriptor`; nil when it is no terminal or has no size. TIOCGWINSZ
  public static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Closes the programs' side here, so that the master reaches its end with the last program.
  public func closeSlave() { slave = nil }

  /// Sets the size, which sends SIGWINCH to the programs; values above 65,535 are clamped. TIOCSWINSZ
  public func resize(_ size: Size) {
    clinux_set_window_size(
      master.rawValue, UInt16(clamping: size.rows), UInt16(clamping: size.columns), UInt16(clamping: size.xPixels),
      UInt16(clamping: size.yPixels))
  }

  /// The foreground process group; nil when there is none. tcgetpgrp(3)
  public var foregroundGroup: pid_t? {
    let group = tcgetpgrp(master.rawValue)
    return group > 0 ? group : nil
  }

  /// Reads the terminal's modes, lets `body` change them, and sets them. termios(3)
  ///
  /// - Throws: `SystemError` with the errno of tcgetattr(3) or tcsetattr(3).
  public func changeModes(_ body: (inout termios) -> Void) throws(SystemError) {
    var modes = termios()
    let raw = master.rawValue
    try check("tcgetattr") { tcgetattr(raw, &modes) }
    body(&modes)
    try check("tcsetattr") { tcsetattr(raw, TCSANOW, &modes) }
  }
}
