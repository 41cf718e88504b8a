"""A tree that is hard to copy: `tree.py make DIRECTORY WHAT...` creates it, `tree.py list DIRECTORY WHAT...` lists one,
with a line for each entry, so that two can be compared with diff.

What make adds to plain files and directories: `odd` names, names with a `newline`, `bytes` that are not UTF-8, `links`,
`many` files (2,000). What list shows in addition to name, type, size and checksum: `modes`, `times` (of files),
`directory-times`."""

import hashlib
import os
import stat
import sys

ODD = [
    "two  words", "space behind ", "it's", 'a "quoted" word', "back\\slash", "-dash", "*[a]?", "$HOME;`date`&", "#{}~",
    "t\tab", "\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{SNOWMAN}", ".hidden", "x" * 255,
]
MODES = [0o644, 0o600, 0o755, 0o440, 0o666]
PAST = 981173106


def make(root, what):
    count = 0

    def file(name, content):
        nonlocal count
        path = os.path.join(root, name)
        with open(path, "wb") as output:
            output.write(content)
        os.chmod(path, MODES[count % len(MODES)])
        os.utime(path, (PAST + count, PAST + 1000 * count))
        count += 1

    for name in [b"", b"sub", b"sub/deep er", b"sub/deep er/deepest", b"empty"]:
        os.mkdir(os.path.join(root, name))
    file(b"nothing", b"")
    file(b"one", b"1")
    file(b"block", os.urandom(32768))
    file(b"more", os.urandom(32769))
    file(b"large", os.urandom(3_000_001))
    file(b"sub/deep er/deepest/file", b"deep\n")
    names = [name.encode() for name in ODD] if "odd" in what else []
    names += [b"new\nline"] if "newline" in what else []
    names += [b"caf\xe9 \xff\xfe"] if "bytes" in what else []
    for name in names:
        file(name, b"in " + name)
        file(b"sub/" + name, b"below " + name)
    if names:
        os.mkdir(os.path.join(root, names[0] + b".d"))
        file(names[0] + b".d/" + names[0], b"deeper")
    if "links" in what:
        os.symlink(b"one", os.path.join(root, b"link"))
        os.symlink(b"../large", os.path.join(root, b"sub/up"))
        os.symlink(b"deep er", os.path.join(root, b"sub/directory"))
        os.symlink(b"/nonexistent/it's not there", os.path.join(root, b"dangling"))
    if "many" in what:
        os.mkdir(os.path.join(root, b"many"))
        for number in range(2000):
            file(b"many/%d" % number, b"%d" % number)
    os.chmod(os.path.join(root, b"sub"), 0o750)
    for folder, _, _ in os.walk(root, topdown=False):
        os.utime(folder, (PAST, PAST + 7))


def entry(path, what):
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return f"link to {os.readlink(path)}"
    times = f" {int(status.st_mtime)}"
    modes = f" {mode:o}" if "modes" in what else ""
    if stat.S_ISDIR(status.st_mode):
        return "directory" + modes + (times if "directory-times" in what else "")
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return f"file {status.st_size} {digest}" + modes + (times if "times" in what else "")


def listing(root, what):
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            yield f"{os.path.relpath(path, root)!r} {entry(path, what)}"


verb, place, *rest = sys.argv[1:]
if verb == "make":
    make(os.fsencode(place), rest)
else:
    print("\n".join(sorted(listing(os.fsencode(place), rest))))
