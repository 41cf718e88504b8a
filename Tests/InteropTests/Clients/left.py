"""Channels that their client ends in every order, and what happens to the programs on them."""

import itertools
import os
import socket
import struct
import time

from claims import claim, main
from processes import descendants
from rawssh import *


def openssh():
    """A connection of a client that understands eow@openssh.com."""
    peer = Peer(handshake=False)
    peer.identify(b"SSH-2.0-OpenSSH_9.2p1")
    peer.exchange_keys()
    return peer.login()


def until_close(peer):
    """What the server sends on the single channel, as words, up to its CLOSE, without output."""
    words = []
    while True:
        payload = peer.receive()
        if payload[0] == CHANNEL_REQUEST:
            reader = Reader(payload[5:])
            name = reader.text()
            reader.boolean()
            value = reader.uint32() if name == "exit-status" else reader.text() if name == "exit-signal" else ""
            words.append(f"{name} {value}".strip())
        elif payload[0] == CHANNEL_EOF:
            words.append("eof")
        elif payload[0] == CHANNEL_CLOSE:
            return words


@claim
def every_order():
    """The client's EOF, eow and CLOSE, in every order and with any of them left out, before and after the end of
    output."""
    for ends_first in (False, True):
        for count in range(4):
            for order in itertools.permutations(["eof", "eow", "close"], count):
                peer = openssh()
                channel = peer.open_channel()
                # It is not the client's action that ends it.
                command = "exec >&- 2>&-; sleep 0.1; exit 3" if ends_first else "sleep 0.1; echo x || :; exit 3"
                messages = {
                    "eof": channel.end(), "close": channel.close(),
                    "eow": channel.ask("eow@openssh.com", wants_reply=False),
                }
                peer.send(channel.ask("exec", string(f"trap '' PIPE; {command}")), *[messages[word] for word in order])
                peer.expect(CHANNEL_SUCCESS)
                words = until_close(peer)
                assert [word for word in words if word != "eof"] == ["exit-status 3"], (ends_first, order, words)
                if "close" not in order:
                    peer.send(channel.close())
                # The connection continues.
                assert peer.open_channel(number=1).execute("echo on").output() == (b"on\n", b"", 0)
                peer.socket.close()


@claim
def terminal_is_hung_up():
    peer = Peer().login()
    channel = peer.open_channel()
    peer.send(channel.ask("pty-req", string("vt100") + uint32(80) + uint32(24) + uint32(0) * 2 + string(b"\0")))
    peer.expect(CHANNEL_SUCCESS)
    channel.execute("echo in; sleep 1000")
    while b"in" not in peer.receive():
        pass
    peer.send(channel.close())
    assert until_close(peer) == ["exit-signal HUP"]


@claim
def end_of_write():
    """Sent when a write of the client's data has failed, and only then."""
    for data, told in ((False, False), (True, True)):
        peer = openssh()
        channel = peer.open_channel().execute("exec <&-; echo in; while [ ! -e \"$HOME/go\" ]; do sleep 0.02; done; exit 5")
        while b"in" not in peer.receive():
            pass
        if data:
            peer.send(channel.data(b"nobody reads this"))
            reply = peer.expect(CHANNEL_REQUEST)
            reply.uint32()
            assert reply.text() == "eow@openssh.com"
        open(os.environ["USER_HOME"] + "/go", "w").close()
        words = until_close(peer)
        assert [word for word in words if word != "eof"] == ["exit-status 5"], words
        os.remove(os.environ["USER_HOME"] + "/go")
        peer.socket.close()


@claim
def thrown_away_data_gives_window():
    """A client that does not know eow can continue to send to a program that does not read."""
    peer = Peer().login()
    channel = peer.open_channel().execute("exec <&-; while echo x; do sleep 0.1; done")
    left, sent = channel.window, 0
    while sent < 8 << 20:
        block = min(left, 32000)
        if block:
            peer.send(channel.data(bytes(block)))
            left -= block
            sent += block
        if left < 65536:
            payload = peer.receive()
            if payload[0] == CHANNEL_WINDOW_ADJUST:
                left += Reader(payload[5:]).uint32()
    peer.socket.close()


def leave(peer, channel, way):
    if way == "close":
        peer.send(channel.close())
    elif way == "eof":
        peer.send(channel.end(), channel.close())
    elif way == "disconnect":
        peer.send(byte(DISCONNECT) + uint32(11) + string("bye") + string(""))
    else:
        if way == "reset":
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()


@claim
def programs_go_on():
    """However a client leaves a program without a terminal, the program reads end of file, gets no signal and runs
    to its end, even if the client does not wait for its start."""
    home, peers = os.environ["USER_HOME"], []
    cases = [(way, waits) for way in ("close", "eof", "disconnect", "drop", "reset") for waits in (True, False)]
    cases.remove(("reset", False))  # What is in transit then may not arrive.
    for number, (way, waits) in enumerate(cases):
        peer = Peer().login()
        channel = peer.open_channel()
        # The second end is that of a program of the login that the client left long before.
        command = (
            # A client that does not wait may be gone before the first output, which nobody then reads.
            f"trap 'echo signal >{home}/end{number}; exit 1' HUP TERM CONT INT; trap '' PIPE; echo in; cat >/dev/null; "
            f"while [ ! -e {home}/go ]; do sleep 0.02; done; echo done >{home}/part{number}; "
            f"mv {home}/part{number} {home}/end{number}"
        )
        peer.send(channel.ask("exec", string(command)))
        if waits:
            while b"in" not in peer.receive():
                pass
        leave(peer, channel, way)
        peers.append(peer)
    deadline = time.monotonic() + 20
    # The logins that were left have ended; those whose connection continues have not.
    staying = sum(way in ("close", "eof") for way, _ in cases)
    while sum(name == "bssh-session" for _, name in descendants(int(os.environ["GUARDIAN"]))) > staying + 1:
        assert time.monotonic() < deadline, "the logins do not end"
        time.sleep(0.01)
    open(f"{home}/go", "w").close()
    for number, case in enumerate(cases):
        while not os.path.exists(f"{home}/end{number}"):
            assert time.monotonic() < deadline, case
            time.sleep(0.01)
        with open(f"{home}/end{number}") as file:
            text = file.read()
        assert text == "done\n", (case, text)


main()
