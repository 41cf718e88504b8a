#!/usr/bin/env python3
"""Finds places of Swift files where a small change makes another decision, and makes one such change. For mutants.sh.

    scripts/mutations.py sample SEED COUNT FILE...
    scripts/mutations.py apply FILE PLACE LENGTH NEW

`sample` prints COUNT mutations, always the same for a SEED, in the order of the files: file, place (in characters),
length, what stands there then, the number of the line and what is changed, with a unit separator (0x1f) in between.
`apply` makes one."""

import random
import re
import sys

COMPARISONS = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}
WORDS = {"&&": "||", "||": "&&", "true": "false", "false": "true", "min": "max", "max": "min"}


def string_end(text, start):
    """The end of the literal whose first quote or number sign is at `start`; interpolations are part of it."""
    hashes = len(re.match(r"#*", text[start:]).group())
    quote = '"""' if text.startswith('"""', start + hashes) else '"'
    end = quote + "#" * hashes
    escape = "\\" + "#" * hashes
    place = start + hashes + len(quote)
    while place < len(text) and not text.startswith(end, place):
        if not text.startswith(escape, place):
            place += 1
            continue
        place += len(escape)
        if not text.startswith("(", place):
            place += 1
            continue
        depth = 0
        while True:
            if text[place] == '"' or re.match(r'#+"', text[place:]):
                place = string_end(text, place)
                continue
            depth += {"(": 1, ")": -1}.get(text[place], 0)
            place += 1
            if depth == 0:
                break
    return place + len(end)


def code(text):
    """The text with spaces in place of comments, string literals and attributes, and with the same length."""
    result = list(text)
    place = 0
    while place < len(text):
        if text.startswith("//", place):
            end = (text + "\n").index("\n", place)
        elif text.startswith("/*", place):
            end = text.index("*/", place) + 2
        elif text[place] == '"' or re.match(r'#+"', text[place:place + 9]):
            end = string_end(text, place)
        elif re.match(r"#(if|elseif|else|endif)\b", text[place:place + 9]):
            end = (text + "\n").index("\n", place)
        else:
            place += 1
            continue
        for blank in range(place, min(end, len(text))):
            if result[blank] != "\n":
                result[blank] = " "
        place = end
    return "".join(result)


def conditions(text):
    """The keyword and the clauses of each `guard`, `if` and `while`: where each begins and ends."""
    for match in re.finditer(r"\b(guard|if|while)\s", text):
        place = start = match.end()
        depth = 0
        clauses = []
        while place < len(text):
            char = text[place]
            if depth == 0 and (char == "{" or re.match(r"else\b", text[place:place + 5])):
                break
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
            if depth < 0:
                break
            if depth == 0 and char == ",":
                clauses.append((start, place))
                start = place + 1
            place += 1
        else:
            continue
        if depth < 0:
            continue
        clauses.append((start, place))
        yield match.group(1), clauses


def mutations(text):
    """Position, length, new text and a description."""
    plain = code(text)

    def is_declaration(place):
        """True in the signature before the body of a declaration: `==` in it is not a comparison."""
        line = plain[plain.rfind("\n", 0, place) + 1:place]
        return re.search(r"\b(func|init|extension|struct|enum|protocol|associatedtype)\b", line) and "{" not in line

    for match in re.finditer(r"(?<=\s)(==|!=|<=|>=|<|>|&&|\|\|)(?=\s)", plain):
        if not is_declaration(match.start()):
            old = match.group()
            new = COMPARISONS.get(old) or WORDS[old]
            yield match.start(), len(old), new, f"{old} to {new}"
    for match in re.finditer(r"(?<![\w.`])(?:true|false)\b|(?<![\w.`])(?:min|max)(?=\()", plain):
        old = match.group()
        yield match.start(), len(old), WORDS[old], f"{old} to {WORDS[old]}"
    for match in re.finditer(r"(?<![\w)\]?!])!(?=[\w(])", plain):
        yield match.start(), 1, "", "! removed"
    for match in re.finditer(r"(?<=\S) (&?[+-]) 1\b(?![._])", plain):
        yield match.start(), len(match.group()), "", f"{match.group(1)} 1 removed"
    # A number in a comparison, at the end of a range, or with a name.
    for match in re.finditer(r"(?:(?<=[<>=] )|(?<=\.\.\.)|(?<=\.\.<))\d[\d_]*(?![\w.])", plain):
        new = str(int(match.group().replace("_", "")) + 1)
        yield match.start(), len(match.group()), new, f"{match.group()} to {new}"
    for word, clauses in conditions(plain):
        for number, (start, end) in enumerate(clauses):
            clause = plain[start:end].strip()
            if not clause or re.match(r"(let|var|case|unsafe let|#available|_ =)\b", clause):
                continue
            shown = " ".join(text[start:end].split())
            if len(clauses) == 1:
                # `if` never, and `guard` always.
                new = "true" if word == "guard" else "false"
                first = start + len(plain[start:end]) - len(plain[start:end].lstrip())
                yield first, start + len(plain[start:end].rstrip()) - first, new, f"{word} {shown} to {new}"
            elif number == 0:
                yield start, end + 1 - start, "", f"{word} without {shown}"
            else:
                end = start + len(plain[start:end].rstrip())
                yield start - 1, end - start + 1, "", f"{word} without {shown}"
    for match in re.finditer(r"\bfor\b[^\n{]*?( where [^\n{]*?) \{\n", plain):
        start, end = match.span(1)
        yield start, end - start, "", f"for without{text[start:end]}"


def sample(seed, count, files):
    found = []
    for file in sorted(set(files)):
        with open(file, encoding="utf-8") as source:
            text = source.read()
        for place, length, new, name in mutations(text):
            found.append((file, place, length, new, text.count("\n", 0, place) + 1, name))
    chosen = sorted(random.Random(seed).sample(found, min(count, len(found))))
    print(f"{len(chosen)} of {len(found)} mutations", file=sys.stderr)
    for fields in chosen:
        print("\x1f".join(str(field) for field in fields))


def apply(file, place, length, new):
    with open(file, encoding="utf-8") as source:
        text = source.read()
    with open(file, "w", encoding="utf-8") as source:
        source.write(text[:place] + new + text[place + length:])


def main(words):
    if len(words) >= 3 and words[0] == "sample":
        sample(int(words[1]), int(words[2]), words[3:])
    elif len(words) == 5 and words[0] == "apply":
        apply(words[1], int(words[2]), int(words[3]), words[4])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
