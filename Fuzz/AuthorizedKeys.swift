import Authentication

/// authorized_keys: whatever is found as a key stands whole in the content, at the start of its line.
func fuzz(_ bytes: [UInt8]) {
  var last = 0
  for entry in AuthorizedKeys(bytes[...]) {
    switch entry {
    case .key(let key, let line):
      precondition(line > last && !key.isTooSmall)
      last = line
      let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
      let text = lines[line - 1].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      precondition(text.starts(with: key.type.utf8))
    case .refused(let reason, let line):
      precondition(line > last && !reason.isEmpty)
      last = line
    }
  }
}
