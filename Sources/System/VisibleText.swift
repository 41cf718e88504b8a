/// Text of others as it may stand in a line of a log, or on a terminal.
public enum VisibleText {
  /// What stands for a character that steers a terminal, hides, or turns around what is beside it: `\x0a`, `\u{202e}`.
  /// nil for all others.
  public static func escape(_ scalar: Unicode.Scalar) -> String? {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
      let digits = String(scalar.value, radix: 16)
      return scalar.value < 0x100 ? "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits : "\\u{" + digits + "}"
    default: return nil
    }
  }

  /// `text` with such characters escaped.
  ///
  /// - Parameter limit: bytes from which on it is cut, which an ellipsis shows; nil: it is not.
  public static func escape(_ text: String, limit: Int? = nil) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if let escaped = escape(scalar) { result += escaped } else { result.unicodeScalars.append(scalar) }
      if let limit, result.utf8.count > limit { return result + "…" }
    }
    return result
  }
}
