import Filter

/// A pattern, a zero byte and a path: a matcher with that pattern and its negation never agree, and rules that are
/// decoded from a message are encoded unchanged.
func fuzz(_ bytes: [UInt8]) {
  if let filter = try? TransferFilter(wireBytes: bytes[...]) {
    guard let again = try? TransferFilter(wireBytes: filter.wireBytes[...]) else {
      preconditionFailure("a filter does not read what it wrote")
    }
    precondition(filter == again)
    _ = filter.verdict(
      on: FilterRequest(operation: .upload, path: Array("/a/b.c".utf8), size: 7, user: "a", groups: ["g"]))
  }
  let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  guard let first = parts.first, let text = String(validating: first, as: UTF8.self) else { return }
  let path = [UInt8(ascii: "/")] + (parts.count > 1 ? Array(parts[1].prefix(4096)) : [])
  guard let glob = try? Glob(text) else { return }
  precondition((try? Glob(glob.pattern)) == glob)
  var matcher = FilterMatcher()
  matcher.pattern = glob
  var negated = FilterMatcher()
  negated.not = [matcher]
  precondition(matcher.matches(path: path, size: nil) != negated.matches(path: path, size: nil))
  precondition(matcher.matches(path: path, size: nil) == glob.matches(path: path))
  // Moving a directory that may be moved takes nothing out of reach of the pattern.
  if path.last != UInt8(ascii: "/"), !path.indices.dropLast().contains(where: { path[$0...].starts(with: "//".utf8) }) {
    var filter = TransferFilter()
    filter.isEnabled = true
    var rule = FilterRule(action: .deny)
    rule.matcher = matcher
    filter.rules = [rule]
    let verdict = { (path: [UInt8]) in filter.verdict(on: move(path)).action }
    if filter.verdict(onMove: move(path), to: move(Array("/b/c".utf8))).action != .deny {
      for below in ["/x", "/b/c", "/x.txt", "/a/b/c"] {
        precondition(verdict(path + below.utf8) == verdict(Array(("/b/c" + below).utf8)))
      }
    }
  }
  // A pattern without special characters matches itself only.
  if !text.utf8.contains(where: { "*?[]{},\\/".utf8.contains($0) }) {
    let name = path[((path.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)...]
    precondition(glob.matches(path: path) == name.elementsEqual(text.utf8))
  }
}

private func move(_ path: [UInt8]) -> FilterRequest {
  FilterRequest(operation: .rename, path: path, size: nil, user: "a", groups: [])
}
