#!/usr/bin/env python3
"""Lists public declarations of Sources without a doc comment, and throwing ones whose comment has no `- Throws:` line.

    scripts/check-docstrings.py [FOLDER|FILE...]
    scripts/check-docstrings.py --self-test

Prints a line `file:line: declaration: what is missing` for each, and exits with 1 if there is one. The default is
Sources. `--self-test` checks the script itself.

A declaration is checked if it is `open`, `public` or `package`, a member of such a protocol or extension, or a case of
such an enum. It needs a doc comment (`///`). A function, initializer, subscript or getter that is `throws` also needs a
line `- Throws:` in that comment; one that throws nothing must not have that line.

Exempt are:

- extensions, associated types and `deinit`; `rethrows` needs no `- Throws:`;
- several cases in one line (`case read, write`): the comment of the enum explains them;
- an initializer that does not throw and whose parameters, if any, all have the names of properties of the type: the
  comments of the type and its properties explain it;
- a member that a protocol of Sources requires, if its type names that protocol: the comment in the protocol counts, for
  instance that of `encode(to:)` in `WireCodable`;
- members that protocols of the standard library require: WITNESSES below."""

import os
import re
import sys

sys.dont_write_bytecode = True

from mutations import code  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

WITNESSES = {
    "description", "debugDescription", "errorDescription", "hashValue", "hash(into:)", "==(_:_:)", "<(_:_:)",
    "~=(_:_:)", "rawValue", "init(rawValue:)", "id", "allCases", "makeIterator()", "startIndex", "endIndex",
    "index(after:)", "index(before:)", "init(arrayLiteral:)", "init(dictionaryLiteral:)", "init(stringLiteral:)",
    "init(integerLiteral:)", "init(booleanLiteral:)", "init(nilLiteral:)",
}
TYPES = {"struct", "class", "enum", "protocol", "actor", "extension"}
FUNCTIONS = {"func", "init", "subscript"}

MODIFIER = (
    r"(?:open|public|package|internal|fileprivate|private|static|final|override|mutating|nonmutating|consuming"
    r"|borrowing|convenience|required|indirect|lazy|weak|unowned|nonisolated|isolated|dynamic|optional|prefix|postfix|infix"
    r"|class|unsafe)(?:\([a-z]+\))?")
ATTRIBUTE = r"@\w+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?"
DECLARATION = re.compile(
    rf"(?<![\w.`])(?P<before>(?:(?:{ATTRIBUTE}|{MODIFIER})\s+)*)"
    r"(?P<keyword>struct|class|enum|protocol|actor|extension|func|init|subscript|var|let|typealias|associatedtype|case)"
    r"(?![\w`:])(?P<optional>[?!]?)\s*"
    r"(?P<name>`\w+`|[\w.]+|[^\s\w(){}\[\]`,;:\"]+)?")


class Declaration:
    """One declaration: its place, its name with labels, its doc comment and its effects."""

    def __init__(self, file, line, scope, keyword, name):
        self.file, self.line, self.scope, self.keyword, self.name = file, line, scope, keyword, name
        self.comment = []
        self.is_public = self.throws = self.rethrows = self.is_list = False
        self.labels = None
        self.inherited = []

    @property
    def shown(self):
        return ".".join([*(one.name for one in self.scope), self.name])


def closing(plain, place):
    """The position after the bracket that closes the one at `place`."""
    depth = 0
    while place < len(plain):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(plain[place], 0)
        place += 1
        if depth == 0:
            break
    return place


def pieces(plain):
    """The parts of the text between commas outside brackets."""
    depth, start = 0, 0
    for place, char in enumerate(plain):
        depth += {"(": 1, "[": 1, "{": 1, "<": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        if char == ">" and plain[place - 1:place] != "-":
            depth -= 1
        if char == "," and depth == 0:
            yield plain[start:place]
            start = place + 1
    if plain[start:].strip():
        yield plain[start:]


def signature(plain, place):
    """The labels of the parameter list that begins at or after `place`, and `throws`, `rethrows` or None."""
    if plain[place:place + 1] == "<":
        depth = 0
        while place < len(plain):
            depth += {"<": 1, ">": -1}.get(plain[place], 0)
            place += 1
            if depth == 0:
                break
    place = plain.index("(", place)
    end = closing(plain, place)
    labels = []
    for parameter in pieces(plain[place + 1:end - 1]):
        words = re.findall(r"`\w+`|\w+", re.sub(rf"^\s*(?:{ATTRIBUTE}\s*)*", "", parameter).split(":")[0])
        labels.append(words[0].strip("`") if words else "_")
    effect = re.match(r"\s*(?:async\s+)?(throws|rethrows)?\b", plain[end:])
    return labels, effect.group(1) if effect else None


def declarations(file, text):
    """All declarations of a file outside of function bodies."""
    plain = code(text)
    lines = text.split("\n")
    scope = []
    pending = None
    place = 0
    while place < len(plain):
        char = plain[place]
        if char == "}":
            if scope:
                scope.pop()
            place += 1
        elif char == "{":
            if pending:
                scope.append(pending)
                pending = None
                place += 1
            else:
                place = closing(plain, place)
        elif char in "([":
            place = closing(plain, place)
        elif match := DECLARATION.match(plain, place):
            one = declaration(file, lines, plain, scope, match)
            yield one
            place = match.end()
            if one.keyword in TYPES:
                pending = one
                place = plain.index("{", place)
        elif char.isalnum() or char in "_@`":
            place += 1
            while place < len(plain) and (plain[place].isalnum() or plain[place] in "_`"):
                place += 1
        else:
            place += 1


def declaration(file, lines, plain, scope, match):
    keyword = match["keyword"]
    line = plain.count("\n", 0, match.start())
    name = (match["name"] or "").strip("`")
    inside = scope[-1] if scope else None
    one = Declaration(file, line + 1, list(scope), keyword, name)

    above = line - 1
    while above >= 0 and lines[above].strip().startswith("///"):
        one.comment.insert(0, lines[above].strip()[3:].strip())
        above -= 1

    if keyword in FUNCTIONS:
        begin = match.end() if keyword == "func" else match.end("optional")
        one.labels, effect = signature(plain, begin)
        one.throws, one.rethrows = effect == "throws", effect == "rethrows"
        if keyword == "func" and not re.match(r"\w", name):  # an operator
            one.labels = ["_" for _ in one.labels]
        one.name = (name if keyword == "func" else keyword) + "(" + "".join(label + ":" for label in one.labels) + ")"
    if keyword in ("subscript", "var"):
        # A throwing getter comes first in the body: `{ get throws(E) …`.
        getter = re.compile(r"[^\n{=]*(?:\n[^\n{=]*)??\{\s*get\s+(?:async\s+)?throws\b")
        one.throws = one.throws or bool(getter.match(plain, match.end()))
    if keyword in TYPES:
        header = plain[match.end():plain.index("{", match.end())]
        header = re.split(r"\bwhere\b", header)[0]
        if ":" in re.sub(r"<[^>]*>", "", header):
            named = re.sub(r"^\s*<[^>]*>", "", header).split(":", 1)[1]
            words = [each.split()[-1] for each in pieces(named) if each.split()]
            one.inherited = [re.sub(r"<.*", "", word).split(".")[-1] for word in words]
    if keyword == "case":
        one.is_list = "," in "".join(
            re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "", plain[match.start():].split("\n", 1)[0]).split("}")[0])

    access = re.search(r"\b(open|public|package|internal|fileprivate|private)(?!\(|\w)", match["before"])
    if access:
        one.is_public = access.group(1) in ("open", "public", "package")
    elif inside and (inside.keyword in ("protocol", "extension") or keyword == "case"):
        one.is_public = inside.is_public
    return one


def check(sources, chosen=None):
    """Pairs of a declaration and what it lacks, in the files `chosen` (default: all of `sources`)."""
    found = [one for file, text in sources.items() for one in declarations(file, text)]
    protocols, inherited, properties = {}, {}, {}
    for one in found:
        if one.keyword in TYPES:
            inherited.setdefault(one.name.split(".")[-1], set()).update(one.inherited)
        if one.scope:
            owner = one.scope[-1].name.split(".")[-1]
            if one.scope[-1].keyword == "protocol":
                protocols.setdefault(owner, set()).add(one.name)
            elif one.keyword in ("var", "let"):
                properties.setdefault(owner, set()).add(one.name)

    def demanded(name, member):
        return any(
            member in protocols.get(each, ()) or demanded(each, member)
            for each in inherited.get(name, ()) if each != name)

    for one in found:
        if not one.is_public or one.keyword in ("extension", "associatedtype"):
            continue
        if chosen is not None and one.file not in chosen:
            continue
        owner = one.scope[-1].name.split(".")[-1] if one.scope else None
        if one.name in WITNESSES or (owner and one.scope[-1].keyword != "protocol" and demanded(owner, one.name)):
            continue
        if one.is_list:
            continue
        says = any(re.match(r"- Throws:", line) for line in one.comment)
        missing = []
        if not one.comment:
            is_plain = one.keyword == "init" and not one.throws and set(one.labels) <= properties.get(owner, set())
            if not is_plain:
                missing.append("no doc comment")
        if one.throws and not says:
            missing.append("no line '- Throws:'")
        if says and not one.throws and not one.rethrows:
            missing.append("a line '- Throws:', but it throws nothing")
        if missing:
            yield one, ", ".join(missing)


SAMPLE = '''
import Wire
public struct Plain {                                 // 3 Plain: no doc comment
  let hidden = "public func inString() {}"
  /// Said.
  public let said: Int
  public let unsaid: [Int] = [1, 2].map { $0 }        // 7 Plain.unsaid: no doc comment
  public private(set) var counted = 0                 // 8 Plain.counted: no doc comment
  private(set) var internalOne = 0
  public init(said: Int) { self.said = said }
  public init(other: Int) { said = other }            // 11 Plain.init(other:): no doc comment
  public init(unsaid: Int) throws(E) {}               // 12 Plain.init(unsaid:): no doc comment, no line '- Throws:'
  /// Said.
  @discardableResult
  public mutating func one(_ a: (Int) throws -> Void, b c: Int = f(1, 2)) -> Int { let public = 1 }
  /// Said.
  @available(*, deprecated)
  public func two<T: Comparable>(                     // 17 Plain.two(a:for:): no line '- Throws:'
    a: T,
    `for`: [String: Int]
  ) throws(E) -> T where T: Sendable {
    func inner() throws {}
  }
  /// Said.
  ///
  /// - Throws: `E.bad` when it is bad.
  public func three() throws {}
  /// - Throws: never.
  public func four() {}                               // 29 Plain.four(): a line '- Throws:', but it throws nothing
  /// - Throws: what `body` throws.
  public func five(_ body: () throws -> Int) rethrows {}
  /// Said.
  public var six: Int { get throws(E) { 1 } }         // 33 Plain.six: no line '- Throws:'
  /// Said.
  public var seven: Int { didSet { } }
  /// Said.
  public subscript(_ n: Int) -> Int { get throws { n } }  // 37 Plain.subscript(_:): no line '- Throws:'
  public static func == (a: Plain, b: Plain) -> Bool { a.said == b.said }
  public static func + (a: Plain, b: Plain) -> Plain { a }  // 39 Plain.+(_:_:): no doc comment
  public var description: String { "" }
  func notPublic() throws {}
  public enum Inside { case a, b }                    // 42 Plain.Inside: no doc comment
  deinit {}
}

/// Said.
package enum Kind: UInt8, Sendable {
  case one                                            // 48 Kind.one: no doc comment
  /// Said.
  case two(a: Int, b: Int)
  case three(a: Int, b: [Int: Int])                   // 51 Kind.three: no doc comment
  case four, five
  indirect case six(Kind)                             // 53 Kind.six: no doc comment
  public typealias Short = Int                        // 54 Kind.Short: no doc comment
  var own: Int { switch self { case .one: 1; default: 2 } }
}

enum Hidden { case a
  public static let shared = Hidden.a                 // 59 Hidden.shared: no doc comment
}

/// Said.
public protocol Shape: AnyObject {
  /// Said.
  func draw(on canvas: Int)
  func erase()                                        // 66 Shape.erase(): no doc comment
  /// Said.
  var size: Int { get }
  init(from reader: Int) throws(E)                    // 69 Shape.init(from:): no doc comment, no line '- Throws:'
}

/// Said.
public final class Circle: Base, @unchecked Sendable {
  public let size = 1
  public func draw(on canvas: Int) {}
  public func draw(over canvas: Int) {}               // 76 Circle.draw(over:): no doc comment
}
extension Circle: Shape where Int: Sendable {
  public convenience init(from reader: Int) throws(E) {}
}
public extension Circle {
  func grow() {}                                      // 82 Circle.grow(): no doc comment
  private func shrink() {}
}
extension Plain.Inside { public var later: Bool { true } }  // 85 Plain.Inside.later: no doc comment
// A comment that is none of documentation.
public func free() async throws {}                    // 87 free(): no doc comment, no line '- Throws:'
'''


def self_test():
    """Compares the findings in SAMPLE with those that its comments announce."""
    wanted = re.findall(r"// (\d+ [^\n]*: [^\n]*)", SAMPLE)
    # The announcements are not part of the sample.
    source = re.sub(r"(?m) *// \d+ .*$", "", SAMPLE)
    got = [f"{one.line} {one.shown}: {words}" for one, words in check({"sample.swift": source})]
    for line in sorted(set(wanted) ^ set(got), key=lambda line: int(line.split()[0])):
        print(("not found: " if line in wanted else "found: ") + line)
    # Protocols of all files count; only chosen files are reported.
    files = {
        "a.swift": "public protocol P {\n func f()\n}",
        "b.swift": "/// Said.\npublic enum X: P {\n public func f() {}\n}",
    }
    assert [one.file for one, _ in check(files)] == ["a.swift", "a.swift"]
    assert list(check(files, {"b.swift"})) == []
    return 0 if got == wanted else 1


def swift_files(path):
    if not os.path.isdir(path):
        return [path]
    files = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sorted(file for file in files if file.endswith(".swift"))


def main(words):
    if words == ["--self-test"]:
        return self_test()
    if any(word.startswith("-") for word in words):
        sys.exit(__doc__)
    chosen = {os.path.abspath(file) for word in words or [os.path.join(TOP, "Sources")] for file in swift_files(word)}
    if not chosen:
        sys.exit(f"check-docstrings.py: no Swift files in {' '.join(words)}")
    sources = {}
    for file in sorted(chosen.union(swift_files(os.path.join(TOP, "Sources")))):
        with open(file, encoding="utf-8") as source:
            sources[os.path.abspath(file)] = source.read()
    status = 0
    for one, missing in check(sources, chosen):
        print(f"{os.path.relpath(one.file)}:{one.line}: {one.shown}: {missing}")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
