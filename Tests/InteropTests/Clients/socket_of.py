"""The socket that a process of the daemon has to the supervisor, taken from outside: what waits in it, and what somebody
says on it who has taken that process over. pidfd_getfd(2)

    socket_of.py waiting PID      bytes that the process has not read yet
    socket_of.py say PID HEX...   sends messages in its place
"""

import array
import ctypes
import fcntl
import os
import socket
import subprocess
import sys
import termios

PIDFD_GETFD = 438


def sockets(pid):
    """The process's sockets: number by inode."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{number}")
        if target.startswith("socket:["):
            found[target[len("socket:[") : -1]] = int(number)
    return found


def peers():
    """The inode of each Unix socket's other end, by its own. ss(8)"""
    lines = subprocess.run(["ss", "-xnH"], capture_output=True, check=True, text=True).stdout.splitlines()
    return {fields[5]: fields[7] for fields in map(str.split, lines) if len(fields) >= 8}


def to_supervisor(pid):
    """The only socket whose other end the supervisor has; for us to use as well."""
    other_end, supervisor = peers(), sockets(int(os.environ["DAEMON"]))
    numbers = [number for inode, number in sockets(pid).items() if other_end.get(inode) in supervisor]
    assert len(numbers) == 1, numbers
    process = os.pidfd_open(pid)
    number = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, process, numbers[0], 0)
    assert number >= 0, os.strerror(ctypes.get_errno())
    return socket.socket(fileno=number)


def main():
    what, pid, *messages = sys.argv[1:]
    channel = to_supervisor(int(pid))
    if what == "waiting":
        count = array.array("i", [0])
        fcntl.ioctl(channel, termios.FIONREAD, count)
        print(count[0])
    for message in messages:
        channel.send(bytes.fromhex(message))


main()
