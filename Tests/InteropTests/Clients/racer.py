"""What another process of the same user sees of a newly started bssh-transfer: its descriptors, before it could make
itself undumpable."""

import ctypes
import os
import shutil
import signal
import socket

from claims import claim, main

PIDFD_GETFD = 438
libc = ctypes.CDLL(None, use_errno=True)


def started(path):
    """Starts the program, and stops it as soon as it runs: milliseconds before its own first instruction."""
    reader, writer = os.pipe()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        # Closed by execve(2).
        os.set_inheritable(writer, False)
        os.dup2(theirs.fileno(), 4)
        os.execv(path, ["bssh-transfer", "sftp", "--settings"])
    theirs.close()
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    os.kill(pid, signal.SIGSTOP)
    return pid, ours


def look(path):
    """True if its descriptor 4 could be taken."""
    pid, ours = started(path)
    process = os.pidfd_open(pid)
    number = libc.syscall(PIDFD_GETFD, process, 4, 0)
    error = ctypes.get_errno()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(process)
    ours.close()
    if number >= 0:
        os.close(number)
    assert number >= 0 or error == 1, os.strerror(error)
    return number >= 0


def looks(mode, count, until):
    """How many of this many attempts succeed, made by the user of the login; the first success stops if `until` is
    true."""
    path = f"{os.environ['DIRECTORY']}/looked-into"
    shutil.copyfile(os.environ["TRANSFER"], path)
    os.chmod(path, mode)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(*[int(os.environ["GID"])] * 3)
        os.setresuid(*[int(os.environ["UID"])] * 3)
        successes = 0
        for _ in range(count):
            successes += look(path)
            if successes and until:
                break
        os.write(writer, str(successes).encode())
        os._exit(0)
    os.close(writer)
    told = os.read(reader, 16)
    os.waitpid(pid, 0)
    os.unlink(path)
    return int(told)


@claim
def cannot_be_looked_into():
    # The control: if its user can read the file, there is such a moment.
    assert looks(0o755, 200, until=True) == 1
    assert looks(0o711, 100, until=False) == 0


main()
