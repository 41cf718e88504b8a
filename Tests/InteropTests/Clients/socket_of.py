"""Uses the channels of a daemon's process to the supervisor from outside: shows pending data, and sends messages as a
compromised process would. pidfd_getfd(2)

    socket_of.py waiting PID      bytes that the process has not read yet
    socket_of.py say PID HEX...   sends messages in its place
"""

import array
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import termios

PIDFD_GETFD = 438


def opened(pid, kind):
    """The process's descriptors of this kind, `socket` or `pipe`: numbers by inode."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{number}")
        except FileNotFoundError:
            continue  # It was closed in between.
        if target.startswith(f"{kind}:["):
            found.setdefault(target[len(kind) + 2 : -1], []).append(int(number))
    return found


def peers():
    """The inode of each Unix socket's peer, by its own. ss(8)"""
    lines = subprocess.run(["ss", "-xnH"], capture_output=True, check=True, text=True).stdout.splitlines()
    return {fields[5]: fields[7] for fields in map(str.split, lines) if len(fields) >= 8}


def taken(pid, number):
    """A duplicate of a descriptor of the process, for our use."""
    process = os.pidfd_open(pid)
    number = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, process, number, 0)
    assert number >= 0, os.strerror(ctypes.get_errno())
    os.close(process)
    return number


def from_supervisor(pid):
    """The only socket whose peer is the supervisor."""
    other_end, supervisor = peers(), opened(int(os.environ["DAEMON"]), "socket")
    numbers = [ns[0] for inode, ns in opened(pid, "socket").items() if other_end.get(inode) in supervisor]
    assert len(numbers) == 1, numbers
    return socket.socket(fileno=taken(pid, numbers[0]))


def to_supervisor(pid):
    """The only pipe whose other end the supervisor has, except for the standard error."""
    supervisor = opened(int(os.environ["DAEMON"]), "pipe")
    numbers = [ns[0] for inode, ns in opened(pid, "pipe").items() if inode in supervisor and 2 not in ns]
    assert len(numbers) == 1, numbers
    return taken(pid, numbers[0])


def header(count):
    """What precedes a message of `count` bytes: its length, and the message version."""
    return struct.pack(">I", count) + bytes.fromhex(os.environ["MESSAGE_VERSION"])


def say(pid, message):
    os.write(to_supervisor(pid), header(len(message)) + message)


def main():
    what, pid, *messages = sys.argv[1:]
    if what == "waiting":
        count = array.array("i", [0])
        fcntl.ioctl(from_supervisor(int(pid)), termios.FIONREAD, count)
        print(count[0])
    for message in messages:
        say(int(pid), bytes.fromhex(message))


if __name__ == "__main__":
    main()
