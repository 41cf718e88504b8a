/// `text` as a YAML scalar: unchanged if every parser reads it as this text, otherwise in double quotes.
func yamlText(_ text: String) -> String {
  isPlain(text) ? text : quotedYAML(text)
}

private func isPlain(_ text: String) -> Bool {
  guard let first = text.utf8.first, isSafe(first), first != 0x2e, !(0x30...0x39).contains(first) else { return false }
  let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
  if words.contains(text.lowercased()) { return false }
  return text.utf8.allSatisfy { isSafe($0) || $0 == 0x2d || $0 == 0x40 || $0 == 0x2b }
}

/// Letters, digits, `_`, `.` and `/`, which have no special meaning in YAML at any position.
private func isSafe(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x2e, 0x2f: true
  default: false
  }
}

private func quotedYAML(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case " "..."~": result.unicodeScalars.append(scalar)
    default:
      let hex = String(scalar.value, radix: 16)
      result += "\\U" + String(repeating: "0", count: 8 - hex.utf8.count) + hex
    }
  }
  return result + "\""
}
