#!/usr/bin/env python3
"""Lists a directory of a million entries with the release build's bssh-transfer, which may not take more memory for it
than for any other: 20 MB.

    scripts/check-large-directory.py [ENTRIES]

The entries are hard links in /dev/shm. Prints what it took; ends with 1 when that is too much or a name is missing."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

LIMIT = 20_000  # kB
TRANSFER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.build/release/bssh-transfer")


def make(directory, count):
    first = os.path.join(directory, "0")
    open(first, "w").close()
    for number in range(1, count):
        os.link(first, os.path.join(directory, str(number)))


def memory(pid):
    """Peak memory of the process in kilobytes."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


class Client:
    def __init__(self, directory):
        self.process = subprocess.Popen(
            [TRANSFER, "sftp", "--root", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask(1, struct.pack(">I", 3))

    def ask(self, kind, body):
        self.process.stdin.write(struct.pack(">IB", len(body) + 1, kind) + body)
        self.process.stdin.flush()
        length = struct.unpack(">I", self.process.stdout.read(4))[0]
        return self.process.stdout.read(length)


def string(data):
    return struct.pack(">I", len(data)) + data


def names(reply):
    """The names in a NAME: after type, id and number, each with its line and attributes."""
    place = 9
    for _ in range(struct.unpack_from(">I", reply, 5)[0]):
        length = struct.unpack_from(">I", reply, place)[0]
        yield reply[place + 4:place + 4 + length]
        place += 4 + length
        place += 4 + struct.unpack_from(">I", reply, place)[0]
        # Size, owner, permissions and times.
        assert struct.unpack_from(">I", reply, place)[0] == 15
        place += 4 + 8 + 8 + 4 + 8


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    directory = tempfile.mkdtemp(prefix="bssh-large-", dir="/dev/shm")
    try:
        make(directory, count)
        client = Client(directory)
        handle = client.ask(11, struct.pack(">I", 1) + string(b"/"))[5:]
        before, started, seen = memory(client.process.pid), time.monotonic(), bytearray(count)
        while (reply := client.ask(12, struct.pack(">I", 2) + handle))[0] == 104:
            for name in names(reply):
                if name not in (b".", b".."):
                    seen[int(name)] += 1
        took, after = time.monotonic() - started, memory(client.process.pid)
        client.process.stdin.close()
        client.process.wait()
    finally:
        shutil.rmtree(directory)
    print(f"{count} entries in {took:.1f} s; {before} kB of memory before, {after} kB at most")
    if any(times != 1 for times in seen):
        sys.exit(f"{sum(times != 1 for times in seen)} names were told not once")
    if after > LIMIT:
        sys.exit(f"more than {LIMIT} kB")


main()
