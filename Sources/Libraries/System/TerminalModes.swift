import CLinux
import Glibc

extension Terminal {
  /// Sets those of the modes that Linux has; false when the terminal did not accept all of them.
  ///
  /// A pseudo-terminal always has 8 bits and no parity. When asked for others, it sets the remaining modes, and
  /// tcsetattr(3) fails.
  ///
  /// - Parameter modes: opcodes and values of RFC 4254, section 8, and RFC 8160.
  public func apply(_ modes: [(opcode: UInt8, value: UInt32)]) -> Bool {
    if modes.isEmpty { return true }
    do throws(SystemError) {
      try changeModes { termios in
        for (opcode, value) in modes { TerminalMode(opcode: opcode, value: value).apply(to: &termios) }
      }
      return true
    } catch {
      return false
    }
  }
}

private struct TerminalMode {
  let opcode: UInt8
  let value: UInt32

  func apply(to termios: inout termios) {
    let isSet = value != 0
    switch opcode {
    case 1...18:
      guard let index = TerminalMode.characters[opcode] else { return }
      withUnsafeMutableBytes(of: &termios.c_cc) {
        // 255 disables a character; Linux writes that as _POSIX_VDISABLE, 0.
        $0[Int(index)] = value == 255 ? 0 : UInt8(truncatingIfNeeded: value)
      }
    case 30...42: set(TerminalMode.input, &termios.c_iflag, isSet)
    case 50...62: set(TerminalMode.local, &termios.c_lflag, isSet)
    case 70...75: set(TerminalMode.output, &termios.c_oflag, isSet)
    // Sizes are values of one field, so a cleared flag says nothing.
    case 90: if isSet { termios.c_cflag = termios.c_cflag & ~tcflag_t(CSIZE) | tcflag_t(CS7) }
    case 91: if isSet { termios.c_cflag = termios.c_cflag & ~tcflag_t(CSIZE) | tcflag_t(CS8) }
    case 92, 93: set(TerminalMode.control, &termios.c_cflag, isSet)
    case 128: if let speed = TerminalMode.speeds[value] { cfsetispeed(&termios, speed_t(speed)) }
    case 129: if let speed = TerminalMode.speeds[value] { cfsetospeed(&termios, speed_t(speed)) }
    default: break
    }
  }

  private func set(_ flags: [UInt8: Int32], _ field: inout tcflag_t, _ isSet: Bool) {
    guard let flag = flags[opcode] else { return }
    if isSet { field |= tcflag_t(flag) } else { field &= ~tcflag_t(flag) }
  }

  // Linux has no VDSUSP (11), VFLUSH (15) and VSTATUS (17).
  private static let characters: [UInt8: Int32] = [
    1: VINTR, 2: VQUIT, 3: VERASE, 4: VKILL, 5: VEOF, 6: VEOL, 7: VEOL2, 8: VSTART, 9: VSTOP, 10: VSUSP,
    12: VREPRINT, 13: VWERASE, 14: VLNEXT, 16: VSWTC, 18: VDISCARD,
  ]
  private static let input: [UInt8: Int32] = [
    30: IGNPAR, 31: PARMRK, 32: INPCK, 33: ISTRIP, 34: INLCR, 35: IGNCR, 36: ICRNL, 37: IUCLC, 38: IXON, 39: IXANY,
    40: IXOFF, 41: IMAXBEL, 42: IUTF8,
  ]
  private static let local: [UInt8: Int32] = [
    50: ISIG, 51: ICANON, 52: XCASE, 53: ECHO, 54: ECHOE, 55: ECHOK, 56: ECHONL, 57: NOFLSH, 58: TOSTOP,
    59: IEXTEN, 60: ECHOCTL, 61: ECHOKE, 62: PENDIN,
  ]
  private static let output: [UInt8: Int32] = [
    70: OPOST, 71: OLCUC, 72: ONLCR, 73: OCRNL, 74: ONOCR, 75: ONLRET,
  ]
  private static let control: [UInt8: Int32] = [92: PARENB, 93: PARODD]
  private static let speeds: [UInt32: Int32] = [
    0: B0, 50: B50, 75: B75, 110: B110, 134: B134, 150: B150, 200: B200, 300: B300, 600: B600, 1200: B1200,
    1800: B1800, 2400: B2400, 4800: B4800, 9600: B9600, 19200: B19200, 38400: B38400, 57600: B57600,
    115200: B115200, 230400: B230400, 460800: B460800, 500000: B500000, 576000: B576000, 921600: B921600,
    1_000_000: B1000000, 1_152_000: B1152000, 1_500_000: B1500000, 2_000_000: B2000000, 2_500_000: B2500000,
    3_000_000: B3000000, 3_500_000: B3500000, 4_000_000: B4000000,
  ]
}
