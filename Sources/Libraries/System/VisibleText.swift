/// Makes untrusted text safe to show in a log line or on a terminal.
public enum VisibleText {
  /// The escape of a character that controls a terminal, is invisible, or reorders its neighbours: `\x0a`, `\u{202e}`;
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
  /// - Parameter limit: the length in UTF-8 bytes after which it is cut, marked by an ellipsis; nil: not cut.
  public static func escape(_ text: String, limit: Int? = nil) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if let escaped = escape(scalar) { result += escaped } else { result.unicodeScalars.append(scalar) }
      if let limit, result.utf8.count > limit { return result + "…" }
    }
    return result
  }
}
