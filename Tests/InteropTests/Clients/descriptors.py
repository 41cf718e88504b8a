"""What a compromised process of the daemon can make the supervisor hold: descriptors whose close blocks for as long
as the attacker likes."""

import array
import os
import socket
import struct
import time

from claims import claim, main
from socket_of import from_supervisor, header, opened, peers, taken, to_supervisor

DAEMON = int(os.environ["DAEMON"])
NAMES = {"bssh-transport", "bssh-authority", "bssh-session", "bssh-journal", "bssh-recorder", "bssh-exporter"}


def lingering():
    """A TCP connection whose close(2) waits an hour for a peer that never reads."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sender = socket.create_connection(listener.getsockname())
    peer, _ = listener.accept()
    sender.setblocking(False)
    try:
        while True:
            sender.send(bytes(65536))
    except BlockingIOError:
        pass
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    return sender, peer, listener


def children():
    """The processes of the daemon, by process id."""
    found = {}
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                start, _, rest = file.read().rpartition(")")
            if int(rest.split()[1]) == DAEMON and start.partition("(")[2] in NAMES:
                found[int(name)] = start.partition("(")[2]
        except (OSError, ValueError):
            continue
    return found


@claim
def nobody_has_a_way_for_one():
    """Every Unix socket to the supervisor, of each process: none accepts a message, with or without descriptors."""
    kept = lingering()
    other_end, supervisor = peers(), opened(DAEMON, "socket")
    tried = {}
    for pid, name in children().items():
        for inode, numbers in opened(pid, "socket").items():
            if other_end.get(inode) not in supervisor:
                continue
            channel = socket.socket(fileno=taken(pid, numbers[0]))
            for count in (0, 1, 253):
                rights = array.array("i", [kept[0].fileno()] * count)
                control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if count else []
                try:
                    channel.sendmsg([b"x"], control, socket.MSG_DONTWAIT)
                except BrokenPipeError:
                    tried[name] = tried.get(name, 0) + 1
                else:
                    raise AssertionError(f"{name} {pid} could send {count} descriptors")
            channel.close()
    assert set(tried) == NAMES, tried


@claim
def what_a_process_sends_is_bytes():
    """The channels to the supervisor are pipes: one for messages, and the standard error."""
    supervisor = opened(DAEMON, "pipe")
    for pid, name in children().items():
        shared = [numbers for inode, numbers in opened(pid, "pipe").items() if inode in supervisor]
        assert sorted(len(numbers) for numbers in shared) == [1, 1] and [2] in shared, (name, shared)


@claim
def no_message_makes_it_wait():
    """A message without an end, and one that is longer than any, on the pipe of a session process."""
    pid = int(os.environ["SESSION"])
    before = len(os.listdir(f"/proc/{DAEMON}/fd"))
    pipe = to_supervisor(pid)
    os.write(pipe, header(4000) + b"half of it")
    time_of_login = time.monotonic()
    assert os.system("$SSH host true </dev/null") == 0
    assert time.monotonic() - time_of_login < 10
    os.close(pipe)
    # The process of that login ends, and a spare replaces it.
    deadline = time.monotonic() + 20
    while len(os.listdir(f"/proc/{DAEMON}/fd")) > before + 8:
        assert time.monotonic() < deadline, "descriptors are left"
        time.sleep(0.01)


main()
