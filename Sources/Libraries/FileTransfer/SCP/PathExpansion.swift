import Filter
import Glibc
import Model
import System

/// Expands `~`, `*`, `?` and `[…]` of unquoted words as sh(1) does, after braces as bash(1) does, on the files that a
/// client may see.
struct PathExpansion {
  /// Bytes of memory that the paths of one word may take.
  static let sizeLimit = 8 << 20

  private let files: RootedFileSystem
  /// The name of the login, whose home is the start of relative paths.
  private let user: String

  init(files: RootedFileSystem, user: String) {
    self.files = files
    self.user = user
  }

  /// The paths that `word` expands to: for each alternative of its braces the matches, sorted, or without a match the
  /// alternative itself.
  ///
  /// - Throws: `.system` with E2BIG when the paths exceed ``sizeLimit``.
  func paths(_ word: ShellWord) throws(FileError) -> [[UInt8]] {
    let words = try BraceExpansion.words(word)
    guard words.count > 1 else { return try words.isEmpty ? [] : matches(words[0]) }
    var all = Paths()
    for word in words {
      for path in try matches(word) { try all.append(path) }
    }
    return all.all
  }

  private func matches(_ word: ShellWord) throws(FileError) -> [[UInt8]] {
    let word = withoutTilde(word)
    let parts = split(word)
    guard parts.contains(where: { $0.glob != nil }) else { return [word.bytes] }
    var found: [[UInt8]] = [[]]
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      var next = Paths()
      for path in found {
        if let glob = part.glob {
          try match(glob, part.bytes, in: path, directories: !isLast, &next)
        } else {
          try next.append(path + part.bytes + (isLast ? [] : [slash]))
        }
      }
      found = next.all
    }
    if parts.last?.glob == nil { found.removeAll { !exists($0) } }
    return found.isEmpty ? [word.bytes] : found.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// The paths found so far, within the limit.
  private struct Paths {
    private(set) var all: [[UInt8]] = []
    private var size = 0

    mutating func append(_ path: [UInt8]) throws(FileError) {
      // Each path takes a heap object.
      size += path.count + 64
      guard size <= PathExpansion.sizeLimit else { throw .system(SystemError("glob", code: E2BIG)) }
      all.append(path)
    }
  }

  private struct Part {
    var bytes: [UInt8]
    /// nil for literal bytes.
    var glob: Glob?
  }

  private func match(
    _ glob: Glob, _ text: [UInt8], in directory: [UInt8], directories: Bool, _ result: inout Paths
  ) throws(FileError) {
    guard let stream = try? files.openDirectory(directory.isEmpty ? [dot] : directory) else { return }
    // A leading dot of a name is only matched literally.
    let withDot = text.first == dot || text.starts(with: [UInt8(ascii: "\\"), dot])
    while let name = (try? stream.next())?.name {
      guard name.first != dot || withDot, glob.matches(bytes: name) else { continue }
      var path = directory + name
      if directories {
        guard let there = try? files.attributes(path, following: true), there.kind == .directory else { continue }
        path.append(slash)
      }
      try result.append(path)
    }
  }

  private func exists(_ path: [UInt8]) -> Bool { (try? files.attributes(path, following: false)) != nil }

  private func withoutTilde(_ word: ShellWord) -> ShellWord {
    guard word.bytes.first == UInt8(ascii: "~") else { return word }
    let end = word.bytes.firstIndex(of: slash) ?? word.bytes.count
    let name = word.bytes[1..<end]
    guard word.isBare[..<end].allSatisfy({ $0 }), name.isEmpty || name.elementsEqual(user.utf8) else { return word }
    let home = files.start
    // A home that is the root already ends in a slash.
    let rest = home.last == slash && end < word.bytes.count ? end + 1 : end
    return ShellWord(
      bytes: home + word.bytes[rest...], isBare: home.map { _ in false } + word.isBare[rest...])
  }

  /// The components of the word, and the globs among them.
  private func split(_ word: ShellWord) -> [Part] {
    var parts: [Part] = []
    var start = 0
    for end in word.bytes.indices where word.bytes[end] == slash {
      parts.append(part(word, start..<end))
      start = end + 1
    }
    return parts + [part(word, start..<word.bytes.count)]
  }

  private func part(_ word: ShellWord, _ range: Range<Int>) -> Part {
    let bytes = Array(word.bytes[range])
    var pattern: [UInt8] = []
    var isGlob = false
    for index in range {
      let byte = word.bytes[index]
      let isSpecial = word.isBare[index] && "*?[]!^-".utf8.contains(byte)
      if isSpecial {
        isGlob = isGlob || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "[")
      } else if "*?[]!^-\\{},".utf8.contains(byte) {
        pattern.append(UInt8(ascii: "\\"))
      }
      pattern.append(byte)
    }
    // An invalid pattern, such as a single bracket, is literal; so is one that is not UTF-8.
    guard isGlob, let text = String(validating: pattern, as: UTF8.self), let glob = try? Glob(text) else {
      return Part(bytes: bytes)
    }
    return Part(bytes: bytes, glob: glob)
  }
}

private let slash = UInt8(ascii: "/")
private let dot = UInt8(ascii: ".")
