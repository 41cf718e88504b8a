import CQREncode
import Glibc

/// A QR code: text as a square of dark and light modules. ISO/IEC 18004
struct QRCode: Equatable {
  /// The number of light modules that must surround it.
  static let margin = 4

  /// The number of modules per side, without the margin.
  let width: Int
  /// Row by row; true is dark.
  private let modules: [Bool]

  /// The smallest code for `text`, with the lowest error correction level: a screen has no scratches. nil: it is too
  /// long, or contains a NUL.
  init?(_ text: String) {
    guard !text.utf8.contains(0), let code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1) else {
      return nil
    }
    defer { QRcode_free(code) }
    width = Int(code.pointee.width)
    guard width > 0, let data = code.pointee.data else { return nil }
    // The lowest bit is the colour; the others describe the purpose of the module.
    modules = UnsafeBufferPointer(start: data, count: width * width).map { $0 & 1 == 1 }
  }

  /// True for a dark module; everything outside of the code is light.
  func isDark(row: Int, column: Int) -> Bool {
    (0..<width).contains(row) && (0..<width).contains(column) && modules[row * width + column]
  }

  /// The width of ``halfBlocks(colored:)`` in terminal columns.
  var columns: Int { width + 2 * Self.margin }

  /// The code with its margin, two rows per line. Light modules are drawn, since terminals are dark; `colored` sets the
  /// colours with escape sequences, so that the code can be read on every terminal.
  func halfBlocks(colored: Bool) -> String {
    var text = ""
    for row in stride(from: -Self.margin, to: width + Self.margin, by: 2) {
      if colored { text += "\u{1b}[40;37;1m" }
      for column in -Self.margin..<width + Self.margin {
        switch (isDark(row: row, column: column), isDark(row: row + 1, column: column)) {
        case (false, false): text += "█"
        case (false, true): text += "▀"
        case (true, false): text += "▄"
        case (true, true): text += " "
        }
      }
      text += colored ? "\u{1b}[0m\n" : "\n"
    }
    return text
  }

  /// The code with its margin, in US-ASCII: `##` for dark modules.
  var plain: String {
    var text = ""
    for row in -Self.margin..<width + Self.margin {
      for column in -Self.margin..<width + Self.margin { text += isDark(row: row, column: column) ? "##" : "  " }
      text += "\n"
    }
    return text
  }
}
