"""An intermediary between a client and the server: a load balancer that speaks the PROXY protocol, or a similar one.

    proxy.py relay HEADER [split]     as ssh's ProxyCommand: connects, sends the header (in hexadecimal), then relays
    proxy.py CLAIM                    a claim of this file

PROXY is the address of the load balancer, 127.0.0.1 by default.
"""

import os
import select
import socket
import sys
import time

from claims import claim, main
from rawssh import *

PROXY = os.environ.get("PROXY", "127.0.0.1")
SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
INSIDE = "203.0.113.7"


def version1(client=INSIDE, server="192.0.2.1", ports=(51312, 22)):
    family = "TCP6" if ":" in client else "TCP4"
    return f"PROXY {family} {client} {server} {ports[0]} {ports[1]}\r\n".encode()


def version2(client=INSIDE, server="192.0.2.1", ports=(51312, 22), more=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    addresses = socket.inet_pton(family, client) + socket.inet_pton(family, server)
    rest = addresses + struct.pack(">HH", *ports) + more
    return SIGNATURE + bytes([0x21, 0x21 if ":" in client else 0x11]) + struct.pack(">H", len(rest)) + rest


LOCAL = SIGNATURE + bytes.fromhex("20000000")
UNKNOWN = b"PROXY UNKNOWN\r\n"


def through(header, source=PROXY, handshake=True):
    """A connection through the load balancer; the first bytes of the client are in the same segment."""
    peer = Peer(handshake=False, source=source)
    if not handshake:
        peer.send_raw(header)
        return peer
    peer.client_id = b"SSH-2.0-interop"
    peer.send_raw(header + peer.client_id + b"\r\n")
    peer.hear_identification()
    peer.exchange_keys()
    return peer


def is_welcome(header, source=PROXY):
    """True if the server sends its identification; false if it closes the connection without a byte."""
    try:
        peer = through(header, source, handshake=False)
        first = peer.read_raw(4)
    except (Disconnected, ConnectionResetError, BrokenPipeError):
        return False
    peer.socket.close()
    assert first == b"SSH-", first
    return True


def is_closed_without_a_byte(peer, patience=20):
    try:
        return not peer.read_raw(1, patience)
    except (Disconnected, ConnectionResetError):
        return True


@claim
def both_versions():
    for header in (version1(), version2(), version1("2001:db8::7", "2001:db8::1"), version2("2001:db8::7", "2001:db8::1"),
                   version2(more=bytes([4, 0, 3, 0, 0, 0])), LOCAL, UNKNOWN):
        assert is_welcome(header), header


@claim
def connection_without_a_header():
    """The load balancer's own addresses get no reply without one."""
    peer = through(b"SSH-2.0-interop\r\n", handshake=False)
    assert is_closed_without_a_byte(peer)
    silent = Peer(handshake=False, source=PROXY)
    silent.socket.shutdown(socket.SHUT_WR)
    assert is_closed_without_a_byte(silent)


@claim
def garbage():
    for bytes_ in (b"\0", b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 a b c d\r\n", b"PROXY " + b"x" * 200, SIGNATURE + b"\x31",
                   SIGNATURE[:11] + b"\0", SIGNATURE + bytes.fromhex("2111ffff"), SIGNATURE + bytes.fromhex("21120000"),
                   os.urandom(600)):
        header = bytes_ if bytes_[0] else bytes_ + b"\0" * 20
        if header[:1] in (b"P", b"\r"):
            header += b"\r\n"
        if header.startswith(SIGNATURE + b"\x31"):
            header += bytes.fromhex("110000")
        peer = Peer(handshake=False, source=PROXY)
        try:
            peer.send_raw(header)
            assert is_closed_without_a_byte(peer), header
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert is_welcome(version1())


@claim
def slow_drip():
    """An incomplete header is not waited for long, and keeps nobody out."""
    started = time.monotonic()
    peers = []
    for header in (version1(), version2(), b"P", b""):
        peer = Peer(handshake=False, source=PROXY)
        peer.header = header[:-1]
        peers.append(peer)
    dripping = list(peers)
    while dripping:
        assert time.monotonic() - started < 30
        for peer in list(dripping):
            try:
                if peer.header:
                    peer.send_raw(peer.header[:1])
                    peer.header = peer.header[1:]
                if select.select([peer.socket], [], [], 0)[0]:
                    assert peer.socket.recv(1) == b""
                    dripping.remove(peer)
            except (BrokenPipeError, ConnectionResetError):
                dripping.remove(peer)
        assert is_welcome(version2())
        select.select([], [], [], 0.05)
    assert time.monotonic() - started >= 4, "not waited for"


@claim
def header_from_somebody_else():
    """It is not a header, but the beginning of a client's identification, and an invalid one."""
    peer = through(version1(), source="127.0.0.77", handshake=False)
    peer.send_raw(b"SSH-2.0-interop\r\n")
    try:
        while data := peer.read_raw(1):
            pass
    except (Disconnected, ConnectionResetError):
        pass
    assert Peer(source="127.0.0.77").login()


@claim
def access_by_the_address_inside():
    """The configuration blocks 203.0.113.0/24; the load balancer's own address is not checked."""
    assert not is_welcome(version1("203.0.113.9"))
    assert not is_welcome(version2("203.0.113.9"))
    assert not is_welcome(version2("::ffff:203.0.113.9", "::1"))
    assert is_welcome(version1("198.51.100.9"))
    # Connections of the load balancer itself use its own address, which is blocked as well.
    assert not is_welcome(LOCAL)
    assert not is_welcome(UNKNOWN)


@claim
def bans_of_the_address_inside():
    for _ in range(2):
        peer = through(version2(INSIDE))
        peer.request_service()
        try:
            peer.try_password("wrong horse")
        except Disconnected:
            pass
    assert not is_welcome(version1(INSIDE))
    assert not is_welcome(version2(INSIDE))
    assert is_welcome(version1("203.0.113.8"))
    assert is_welcome(LOCAL)


@claim
def places_while_they_wait():
    """Connections with an incomplete header count towards the total: the configuration allows four."""
    waiting = [Peer(handshake=False, source=PROXY) for _ in range(4)]
    # The last of them has arrived when one more is refused.
    assert is_closed_without_a_byte(Peer(handshake=False, source=PROXY))
    waiting[0].send_raw(LOCAL)
    assert waiting[0].read_raw(4) == b"SSH-"
    waiting[1].socket.close()
    deadline = time.monotonic() + 20
    while not is_welcome(version1()):
        assert time.monotonic() < deadline


@claim
def crowd_behind_the_load_balancer():
    """Four places, with clients that send nothing: a new client gets the place of one of them, and not that of a
    login."""
    crowd = [through(version1(f"198.51.{number}.7"), handshake=False) for number in range(4)]
    for peer in crowd:
        assert peer.read_raw(4) == b"SSH-"
    inside = [through(version1(f"203.0.{number}.7")).login() for number in range(4)]
    assert not is_welcome(version1("203.0.9.7"))
    for peer in inside:
        assert peer.open_channel().execute("echo in").output()[0] == b"in\n"


def relay():
    header, is_split = bytes.fromhex(sys.argv[2]), sys.argv[3:] == ["split"]
    peer = socket.socket()
    peer.bind((PROXY, 0))
    peer.connect(("127.0.0.1", int(os.environ["PORT"])))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for start in range(0, len(header), 1 if is_split else len(header)):
        peer.sendall(header[start:start + (1 if is_split else len(header))])
    while True:
        for ready in select.select([0, peer], [], [])[0]:
            if ready == 0:
                data = os.read(0, 1 << 16)
                if not data:
                    return
                peer.sendall(data)
            else:
                data = peer.recv(1 << 16)
                if not data:
                    return
                os.write(1, data)


if sys.argv[1] == "relay":
    relay()
elif sys.argv[1] == "header":
    _, _, version, client, server = sys.argv
    print((version1 if version == "1" else version2)(client, server).hex())
else:
    main()
