import CQREncode
import Glibc

/// A QR code: text as a square of dark and light modules. ISO/IEC 18004
struct QRCode: Equatable {
  /// Light modules that must be around it.
  static let margin = 4

  /// Modules on a side, without the margin.
  let width: Int
  /// Row by row; true is dark.
  private let modules: [Bool]

  /// The smallest code for `text`, with the lowest error correction: a screen has no scratches. Nil: it is too long, or
  /// holds a NUL.
  init?(_ text: String) {
    guard !text.utf8.contains(0), let code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1) else {
      return nil
    }
    defer { QRcode_free(code) }
    width = Int(code.pointee.width)
    guard width > 0, let data = code.pointee.data else { return nil }
    // The lowest bit is the colour; the others tell what the module is for.
    modules = UnsafeBufferPointer(start: data, count: width * width).map { $0 & 1 == 1 }
  }

  /// True for a dark module; outside of the code all is light.
  func isDark(row: Int, column: Int) -> Bool {
    (0..<width).contains(row) && (0..<width).contains(column) && modules[row * width + column]
  }

  /// Columns of a terminal that ``halfBlocks(colored:)`` takes.
  var columns: Int { width + 2 * Self.margin }

  /// The code with its margin, two rows in each line. What is light is drawn, since terminals are dark; `colored` says
  /// what is dark and light by escape sequences, so that it can be read on every terminal.
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

  /// The code with its margin, in US-ASCII: `##` for what is dark.
  var plain: String {
    var text = ""
    for row in -Self.margin..<width + Self.margin {
      for column in -Self.margin..<width + Self.margin { text += isDark(row: row, column: column) ? "##" : "  " }
      text += "\n"
    }
    return text
  }
}
