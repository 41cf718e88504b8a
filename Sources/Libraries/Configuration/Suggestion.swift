/// `; did you mean 'port'?` with the candidate that is most similar to `word`; empty: none is similar.
func suggestion(for word: String, among candidates: [String]) -> String {
  guard let best = closest(to: word, among: candidates) else { return "" }
  return "; did you mean '\(best)'?"
}

/// The candidate with the smallest edit distance to `word`; nil: all differ in more than 4 bytes, or in more than a
/// third (but at least 1) of the longer one.
public func closest(to word: String, among candidates: [String]) -> String? {
  let letters = Array(word.utf8)
  guard letters.count <= 64 else { return nil }
  var best: (candidate: String, distance: Int)?
  for candidate in candidates {
    let distance = editDistance(letters, Array(candidate.utf8))
    guard distance <= min(4, max(1, max(letters.count, candidate.utf8.count) / 3)) else { continue }
    if let found = best, found.distance <= distance { continue }
    best = (candidate, distance)
  }
  return best?.candidate
}

/// The number of bytes to insert, remove, replace or swap with their neighbour. (Damerau–Levenshtein distance)
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var distance = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { distance = min(distance, beforeLast[j - 1] + 1) }
      row.append(distance)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}
