"""Clients that violate the protocol or waste resources."""

import os
import resource
import select
import socket
import struct
import time

from claims import claim, main
from processes import descendants
from rawssh import *


# Reads nothing, and ends when nobody reads its output.
BUSY = "while echo x; do sleep 0.1; done"
# Reads and writes nothing, and ends with its login.
IDLE = "while [ -e /proc/$PPID ]; do sleep 0.2; done"


def private_bytes(name):
    """Private memory of the daemon's processes with this name, and their number."""
    sizes = []
    for pid, found in descendants(int(os.environ["GUARDIAN"])):
        if found != name:
            continue
        # Not smaps: without root a process that is not dumpable cannot be inspected.
        with open(f"/proc/{pid}/statm") as statm:
            _, resident, shared = map(int, statm.read().split()[:3])
        sizes.append((resident - shared) * os.sysconf("SC_PAGE_SIZE"))
    return sizes


def refused_packet_size(size):
    peer = Peer().login()
    peer.send(byte(CHANNEL_OPEN) + string("session") + uint32(5) + uint32(2**20) + uint32(size))
    reply = peer.expect(CHANNEL_OPEN_FAILURE)
    assert reply.uint32() == 5
    assert reply.uint32() in (1, 2, 4)
    assert peer.open_channel(number=6).execute("echo still here").output()[0] == b"still here\n"


@claim
def packet_size_0():
    refused_packet_size(0)


@claim
def packet_size_10():
    refused_packet_size(10)


@claim
def packet_size_1023():
    refused_packet_size(1023)


@claim
def packet_size_1024():
    peer = Peer().login()
    channel = peer.open_channel(packet=1024).execute("head -c 100000 /dev/zero")
    total = 0
    while (payload := peer.receive())[0] != CHANNEL_CLOSE:
        if payload[0] == CHANNEL_DATA:
            size = len(Reader(payload[5:]).string())
            assert size <= 1024, size
            total += size
    assert total == 100000, total


@claim
def window_is_respected():
    """The server stops at the end of the window, and continues when there is more."""
    peer = Peer().login()
    channel = peer.open_channel(window=5000).execute("head -c 20000 /dev/zero")
    total, exited = 0, False
    while total < 5000 or not exited:
        payload = peer.receive()
        exited = exited or payload[0] == CHANNEL_REQUEST
        total += len(Reader(payload[5:]).string()) if payload[0] == CHANNEL_DATA else 0
    assert total == 5000, total
    assert peer.is_silent(0.3)
    peer.send(channel.adjust(20000))
    while (payload := peer.receive())[0] != CHANNEL_CLOSE:
        if payload[0] == CHANNEL_DATA:
            total += len(Reader(payload[5:]).string())
    assert total == 20000, total


@claim
def window_overrun():
    peer = Peer().login()
    channel = peer.open_channel().execute(BUSY)
    block = b"x" * min(32768, channel.packet)
    sent = 0
    try:
        # The window grows once the program runs.
        while sent < 8 << 20:
            peer.send(channel.data(block))
            sent += len(block)
    except (BrokenPipeError, ConnectionResetError):
        pass
    peer.expect_disconnect()


@claim
def window_overflow():
    """A window of more than 2^32 - 1 is an error of the client. RFC 4254, section 5.2."""
    peer = Peer().login()
    channel = peer.open_channel(window=2**32 - 1).execute(BUSY)
    peer.send(channel.adjust(2**32 - 1))
    peer.expect_disconnect()


@claim
def data_after_eof():
    peer = Peer().login()
    channel = peer.open_channel().execute("cat >/dev/null; " + BUSY)
    peer.send(channel.end(), channel.data(b"more"))
    peer.expect_disconnect()


@claim
def unknown_channel():
    peer = Peer().login()
    peer.send(byte(CHANNEL_DATA) + uint32(4711) + string("x"))
    peer.expect_disconnect()


@claim
def stopped_reader():
    """One channel's reader stops for 10 s; another channel of the same connection continues all the time."""
    peer = Peer().login()
    lively = peer.open_channel(number=2).execute("cat")
    stalled = peer.open_channel(window=65536, number=1).execute("head -c 3000000 /dev/zero; echo end >&2")
    started = time.monotonic()
    echoes, received = 0, 0
    while time.monotonic() - started < 10:
        word = f"echo {echoes}".encode()
        peer.send(lively.data(word))
        back = b""
        while len(back) < len(word):
            reply = peer.expect(CHANNEL_DATA, CHANNEL_WINDOW_ADJUST)
            if reply.data[0] == 0 and len(reply.data) == 8:
                reply.uint32(), reply.uint32()
                continue
            number, data = reply.uint32(), reply.string()
            if number == 1:
                received += len(data)
            else:
                back += data
        assert back == word
        echoes += 1
        select.select([], [], [], 0.02)
    assert echoes > 50, echoes
    assert received == 65536, received
    peer.send(stalled.adjust(2**24))
    errors = b""
    while b"end" not in errors:
        payload = peer.receive()
        reader = Reader(payload[1:])
        number = reader.uint32()
        if payload[0] == CHANNEL_DATA and number == 1:
            received += len(reader.string())
        elif payload[0] == CHANNEL_EXTENDED_DATA:
            reader.uint32()
            errors += reader.string()
    while received < 3000000:
        payload = peer.expect(CHANNEL_DATA)
        assert payload.uint32() == 1
        received += len(payload.string())
    assert received == 3000000


@claim
def connection_that_is_not_read():
    """The client reads nothing from the socket, with windows of 4 GB: the server's memory stays bounded."""
    peer = Peer(receive_buffer=4096).login()
    before = max(private_bytes("bssh-transport"))
    channels = [peer.open_channel(window=2**32 - 1, number=number) for number in range(4)]
    peer.send(*[channel.ask("exec", string("cat /dev/zero"), wants_reply=False) for channel in channels])
    # Long enough to send gigabytes; the check is that the server is blocked and small.
    for _ in range(20):
        select.select([], [], [], 0.1)
        grown = max(private_bytes("bssh-transport")) - before
        assert grown < 24 << 20, f"{grown >> 20} MB more"
    peer.socket.close()


@claim
def flood_of_requests():
    """Requests that want a reply, and nobody reads the replies."""
    peer = Peer(receive_buffer=4096).login()
    channel = peer.open_channel(window=2**32 - 1)
    before = max(private_bytes("bssh-transport"))
    peer.socket.settimeout(0.5)
    flood = [channel.ask("nothing@example.org"), byte(GLOBAL_REQUEST) + string("nothing@example.org") + boolean(True)]
    grown, deadline = 0, time.monotonic() + 4
    try:
        while time.monotonic() < deadline:
            block = b"".join(peer.pack(message) for message in flood for _ in range(500))
            view = memoryview(block)
            while view:
                view = view[peer.socket.send(view) :]
            grown = max(private_bytes("bssh-transport") or [before]) - before
            assert grown < 48 << 20, f"{grown >> 20} MB more"
    except (socket.timeout, BrokenPipeError, ConnectionResetError):
        pass
    grown = max(private_bytes("bssh-transport") or [before]) - before
    assert grown < 48 << 20, f"{grown >> 20} MB more"


@claim
def flood_of_unknown_messages():
    """Unknown messages, which libssh itself answers; nobody has logged in, and nobody reads the replies."""
    peer = Peer(receive_buffer=4096)
    before = max(private_bytes("bssh-transport"))
    peer.socket.settimeout(1)
    block = b"".join(peer.pack(byte(192)) for _ in range(400_000))
    try:
        peer.socket.sendall(block)
    except (socket.timeout, BrokenPipeError, ConnectionResetError):
        pass
    grown = max(private_bytes("bssh-transport") or [before]) - before
    assert grown < 8 << 20, f"{grown >> 20} MB more"


@claim
def flood_of_waiting_requests():
    """A thousand requests without waiting for a reply: each is answered, in order."""
    peer = Peer().login()
    channel = peer.open_channel()
    peer.send(*[channel.ask("env", string("LANG") + string(str(number))) for number in range(1000)])
    answers = [peer.receive()[0] for _ in range(1000)]
    # This many variables are accepted, and no more.
    taken = answers.count(CHANNEL_SUCCESS)
    assert taken >= 20 and answers == [CHANNEL_SUCCESS] * taken + [CHANNEL_FAILURE] * (1000 - taken), answers
    assert channel.execute("echo $LANG").output()[0] == f"{taken - 1}\n".encode()


@claim
def many_channels():
    """Endless channels: from some number on they are refused, and those that are open still work."""
    peer = Peer().login()
    opened = []
    for number in range(3000):
        peer.send(byte(CHANNEL_OPEN) + string("session") + uint32(number) + uint32(2**20) + uint32(32768))
        payload = peer.receive()
        if payload[0] == CHANNEL_OPEN_FAILURE:
            break
        reader = Reader(payload[1:])
        assert payload[0] == CHANNEL_OPEN_CONFIRMATION and reader.uint32() == number
        opened.append(RemoteChannel(peer, reader.uint32(), reader.uint32(), reader.uint32()))
    assert 10 <= len(opened) < 3000, len(opened)
    assert opened[-1].execute("echo ok").output()[0] == b"ok\n"


@claim
def reset_while_downloading():
    peer = Peer().login()
    peer.open_channel(window=2**32 - 1).execute("cat /dev/zero")
    for _ in range(100):
        peer.receive()
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


@claim
def reset_while_uploading():
    peer = Peer().login()
    channel = peer.open_channel().execute("cat >/dev/null")
    for _ in range(8):
        peer.send(channel.data(b"x" * 30000))
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


@claim
def garbage_instead_of_an_identification():
    peer = Peer(handshake=False)
    peer.send_raw(os.urandom(4096).replace(b"\n", b"") + b"\r\n" + os.urandom(4096))
    try:
        while peer.read_raw(1):
            pass
    except Disconnected:
        pass


@claim
def endless_identification():
    peer = Peer(handshake=False)
    try:
        for _ in range(4096):
            peer.send_raw(b"A" * 1024)
        while peer.read_raw(1):
            pass
        raise AssertionError("4 MB of identification were taken")
    except (Disconnected, BrokenPipeError, ConnectionResetError):
        pass


@claim
def silent_client():
    """A client that sends nothing at all is disconnected at the login timeout."""
    peer = Peer(handshake=False)
    try:
        while peer.read_raw(1, patience=15):
            pass
    except Disconnected:
        return


@claim
def client_that_does_not_log_in():
    peer = Peer()
    peer.request_service()
    peer.expect_disconnect(patience=15)


@claim
def huge_packet_length():
    peer = Peer(handshake=False)
    peer.identify()
    peer.send_raw(uint32(0x7FFFFFFF) + b"\4" + b"x" * 100000)
    peer.expect_disconnect()


@claim
def huge_encrypted_packet_length():
    peer = Peer().login()
    try:
        peer.send_raw(uint32(0xFFFFFFF0) + os.urandom(200000))
    except (BrokenPipeError, ConnectionResetError):
        return
    peer.expect_disconnect()


@claim
def forged_packet():
    """One bit of an encrypted packet is wrong."""
    peer = Peer().login()
    packet = bytearray(peer.pack(byte(IGNORE) + string("hello")))
    packet[10] ^= 1
    peer.send_raw(bytes(packet))
    peer.expect_disconnect()


def before_login(*messages):
    peer = Peer()
    peer.request_service()
    peer.send(*messages)
    return peer


@claim
def channel_before_login():
    peer = before_login(byte(CHANNEL_OPEN) + string("session") + uint32(0) + uint32(2**20) + uint32(32768))
    peer.expect_disconnect()


@claim
def channel_request_before_login():
    before_login(byte(CHANNEL_REQUEST) + uint32(0) + string("exec") + boolean(True) + string("id")).expect_disconnect()


@claim
def global_request_before_login():
    before_login(byte(GLOBAL_REQUEST) + string("keepalive@openssh.com") + boolean(True)).expect_disconnect()


@claim
def success_from_the_client():
    peer = before_login(byte(USERAUTH_SUCCESS))
    try:
        peer.send(byte(CHANNEL_OPEN) + string("session") + uint32(0) + uint32(2**20) + uint32(32768))
        while True:
            payload = peer.receive()
            assert payload[0] != CHANNEL_OPEN_CONFIRMATION
    except (Disconnected, BrokenPipeError, ConnectionResetError):
        pass


@claim
def wrong_service():
    peer = Peer()
    peer.send(byte(SERVICE_REQUEST) + string("ssh-connection"))
    peer.expect_disconnect()


@claim
def authentication_after_login():
    """RFC 4252, section 5.1: silently ignored, even if sent before the login. Never a second login."""
    requests = [
        lambda peer: peer.sign("root", Key.load()),
        lambda peer: peer.request(os.environ["LOGIN"], "none"),
        lambda peer: peer.request("nobody", "password", boolean(False) + string("a wrong one")),
    ]
    # Replies to requests that nobody sent.
    answers = [
        lambda peer: byte(USERAUTH_INFO_RESPONSE) + uint32(1) + string("123456"),
        lambda peer: byte(66) + string("of GSSAPI"),
    ]
    for waits in (True, False):
        for count in (1, 40):
            peer = Peer()
            peer.request_service()
            messages = [message(peer) for message in requests + answers * waits for _ in range(count)]
            login = peer.sign(os.environ["LOGIN"], Key.load())
            if waits:
                peer.send(login)
                peer.expect(USERAUTH_SUCCESS)
                peer.send(*messages)
            else:
                peer.send(login, *messages)
                peer.expect(USERAUTH_SUCCESS)
            # No other message arrives in between.
            channel = peer.open_channel()
            assert channel.execute("id -u").output()[0].strip().decode() == os.environ["USER_ID"]
            peer.socket.close()


@claim
def service_after_login():
    """A service request, as clients send it before each attempt: granted, and without effect."""
    for service in ("ssh-userauth", "ssh-connection"):
        peer = Peer().login()
        peer.request_service(service)
        assert peer.open_channel().execute("echo on").output()[0] == b"on\n"


@claim
def too_long_requests():
    """Each is refused, and the connection and its other channels continue."""
    peer = Peer().login()
    other = peer.open_channel(number=1).execute("cat")
    sizes = string("xterm"), uint32(80) + uint32(24) + uint32(0) * 2, string(b"\0")
    for name, rest in [
        ("env", string("LANG") + string(b"x" * 200_000)), ("env", string(b"L" * 5000) + string("C")),
        ("pty-req", string(b"x" * 2000) + sizes[1] + sizes[2]),
        ("pty-req", sizes[0] + sizes[1] + string(b"\0" * 5000)), ("subsystem", string(b"x" * 2000)),
        ("signal", string(b"x" * 2000)), ("x" * 1000, b""),
    ]:
        channel = peer.open_channel(number=2)
        peer.send(channel.ask(name, rest))
        peer.expect(CHANNEL_FAILURE)
        assert channel.execute("echo on").output() == (b"on\n", b"", 0), name
    peer.send(byte(CHANNEL_OPEN) + string("x" * 1000) + uint32(3) + uint32(2**20) + uint32(32768))
    peer.expect(CHANNEL_OPEN_FAILURE)
    peer.send(byte(GLOBAL_REQUEST) + string("x" * 1000) + boolean(True))
    peer.expect(REQUEST_FAILURE)
    for length in (131_071, 131_072, 131_073, 200_000, 260_000):
        channel = peer.open_channel(number=2).execute(b"echo on #" + b"x" * (length - 9))
        output, errors, status = channel.output()
        if length == 131_071:
            assert (output, errors, status) == (b"on\n", b"", 0), (length, errors)
        else:
            assert output == b"" and errors.endswith(b"sh: Argument list too long\n") and status == 1, (length, errors)
    peer.send(other.data(b"survivor"), other.end())
    assert other.output()[0] == b"survivor"


@claim
def long_identifications():
    """An identification line may have 255 bytes; it is part of what the server signs."""
    for length in (40, 128, 129, 130, 131, 200, 254, 255):
        line = b"SSH-2.0-" + bytes(97 + number % 26 for number in range(length - 10))
        for pieces in (1, 3):
            peer = Peer(handshake=False)
            peer.client_id = line
            whole = line + b"\r\n"
            step = -(-len(whole) // pieces)
            for start in range(0, len(whole), step):
                peer.send_raw(whole[start : start + step])
            peer.hear_identification()
            peer.exchange_keys()
            assert peer.login().open_channel().execute("echo in").output()[0] == b"in\n", length
            peer.socket.close()
    # One byte more, and input that is not SSH, is not waited for.
    for line in (b"SSH-2.0-" + b"x" * 246 + b"\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        peer = Peer(handshake=False)
        peer.send_raw(line)
        try:
            while peer.read_raw(1, patience=10):
                pass
        except Disconnected:
            pass


@claim
def no_identifications():
    """What is not SSH, and is closed at once."""
    for text in (b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", b"SSH-2.0-half", b"\n", b"SSH-2.0-" + b"x" * 300):
        for _ in range(3):
            peer = Peer(handshake=False)
            peer.send_raw(text)
            peer.socket.close()


def fill(peer, channel, window):
    """Sends as much as a window allows, and returns how much."""
    sent = 0
    while window > 0:
        count = min(window, 32000)
        peer.send(channel.data(bytes(count)))
        window -= count
        sent += count
    return sent


@claim
def input_that_nobody_reads():
    """All channels of a connection together store a bounded amount, with and without programs."""
    peer = Peer().login()
    before = max(private_bytes("bssh-transport"))
    channels = []
    while True:
        peer.send(byte(CHANNEL_OPEN) + string("session") + uint32(len(channels)) + uint32(2**20) + uint32(32768))
        payload = peer.receive()
        if payload[0] == CHANNEL_OPEN_FAILURE:
            break
        reader = Reader(payload[5:])
        channels.append(RemoteChannel(peer, reader.uint32(), reader.uint32(), reader.uint32()))
    assert 10 <= len(channels) <= 60, len(channels)
    sent = sum(fill(peer, channel, channel.window) for channel in channels)
    assert sent <= 8 << 20, sent
    # Half of them run a program that does not read.
    windows = dict.fromkeys(range(len(channels)), 0)
    for channel in channels[::2]:
        peer.send(channel.ask("exec", string(IDLE)))
    answers = 0
    while answers < len(channels[::2]) or not peer.is_silent(0.5):
        payload = peer.receive()
        if payload[0] == CHANNEL_SUCCESS:
            answers += 1
        elif payload[0] == CHANNEL_WINDOW_ADJUST:
            reader = Reader(payload[1:])
            windows[reader.uint32()] += reader.uint32()
    sent += sum(fill(peer, channels[number], window) for number, window in windows.items())
    assert 8 << 20 < sent < 32 << 20, sent
    peer.send(byte(GLOBAL_REQUEST) + string("keepalive@openssh.com") + boolean(True))
    peer.expect(REQUEST_SUCCESS)
    grown = max(private_bytes("bssh-transport")) - before
    assert grown < 80 << 20, f"{grown >> 20} MB more"


def limit_addresses(pid, size):
    """A process of the same user may do that."""
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                with open(f"/proc/{pid}/status") as file:
                    ids = {line.split()[0]: int(line.split()[1]) for line in file if line[1:4] == "id:"}
                os.setresgid(*[ids["Gid:"]] * 3)
                os.setresuid(*[ids["Uid:"]] * 3)
            resource.prlimit(pid, resource.RLIMIT_AS, (size, size))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@claim
def out_of_memory():
    """A connection whose process gets no more memory ends, and only it."""
    peer = Peer().login()
    channel = peer.open_channel().execute(IDLE)
    for pid, name in descendants(int(os.environ["GUARDIAN"])):
        if name == "bssh-transport":
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"bssh-transport [" not in file.read():
                    continue
            with open(f"/proc/{pid}/statm") as file:
                size = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            limit_addresses(pid, size)
    try:
        for _ in range(2 << 20 >> 14):
            peer.send(channel.data(bytes(1 << 14)))
    except (BrokenPipeError, ConnectionResetError):
        return
    peer.expect_disconnect()


@claim
def empty_packet():
    """A packet without a message: the end of the connection, or UNIMPLEMENTED."""
    peer = Peer().login()
    channel = peer.open_channel()
    try:
        peer.send(b"")
        peer.expect(UNIMPLEMENTED)
        assert channel.execute("echo ok").output()[0] == b"ok\n"
    except Disconnected:
        pass


@claim
def truncated_messages():
    """Each message, truncated: the connection may end, and nothing else."""
    whole = [
        byte(CHANNEL_OPEN) + string("session") + uint32(0) + uint32(2**20) + uint32(32768),
        byte(CHANNEL_REQUEST) + uint32(0) + string("exec") + boolean(True) + string("id"),
        byte(CHANNEL_REQUEST) + uint32(0) + string("pty-req") + boolean(True) + string("xterm") + uint32(80) * 4
        + string(b"\0"),
        byte(CHANNEL_DATA) + uint32(0) + string("data"),
        byte(GLOBAL_REQUEST) + string("keepalive@openssh.com") + boolean(True),
    ]
    for message in whole:
        for length in sorted({1, 3, 6, len(message) // 2, len(message) - 1}):
            peer = Peer().login()
            peer.open_channel()
            peer.send(message[:length])
            try:
                peer.send(byte(GLOBAL_REQUEST) + string("keepalive@openssh.com") + boolean(True))
                while peer.receive()[0] not in (REQUEST_SUCCESS, REQUEST_FAILURE):
                    pass
            except (Disconnected, BrokenPipeError, ConnectionResetError):
                pass
            peer.socket.close()


@claim
def two_programs_on_one_channel():
    peer = Peer().login()
    channel = peer.open_channel().execute("cat")
    peer.send(channel.ask("exec", string("echo second")))
    peer.expect(CHANNEL_FAILURE)
    peer.send(channel.end())
    assert channel.output()[0] == b""


@claim
def refused_channel_types():
    peer = Peer().login()
    for kind in ["x11", "forwarded-tcpip", "tun@openssh.com", "auth-agent@openssh.com", "nonsense", ""]:
        peer.send(byte(CHANNEL_OPEN) + string(kind) + uint32(1) + uint32(2**20) + uint32(32768))
        peer.expect(CHANNEL_OPEN_FAILURE)
    for name in ["x11-req", "auth-agent-req@openssh.com", "subsystem", "nonsense"]:
        channel = peer.open_channel()
        peer.send(channel.ask(name, string("nonsense")))
        peer.expect(CHANNEL_FAILURE)


@claim
def hundred_connections_come_and_go():
    """Resets at every stage leave nothing behind."""
    for number in range(100):
        peer = Peer(handshake=False)
        if number % 4 >= 1:
            peer.identify()
        if number % 4 >= 2:
            peer.exchange_keys()
        if number % 4 == 3:
            peer.login()
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()


def half_a_key_exchange(rest):
    """Everything up to the server's KEXINIT, and then these bytes."""
    peer = Peer(handshake=False)
    peer.identify()
    peer.send(peer.kexinit())
    while peer.receive_packet()[0] != KEXINIT:
        pass
    peer.send_raw(rest)
    return peer


def broken(number):
    """One of the ways to break a connection, by number; returns the connection, still open on this side."""
    way = number % 10
    if way < 5:
        peer = Peer(handshake=False)
        if way == 0:
            peer.send_raw(os.urandom(2000))
        elif way == 1:
            peer.send_raw(b"SSH-2.0-half of an identifi")
        elif way == 2:
            peer.identify()
        elif way == 3:
            peer.identify()
            packet = peer.pack(peer.kexinit())
            peer.send_raw(packet[: len(packet) // 2])
        else:
            peer.identify()
            peer.send_raw(uint32(0xFFFFFFFF) + os.urandom(100))
        return peer
    if way == 5:
        return half_a_key_exchange(uint32(0x40000) + b"\4" + b"x" * 50000)
    if way == 6:
        peer = half_a_key_exchange(b"")
        init = peer.pack(byte(KEX_ECDH_INIT) + string(os.urandom(32)))
        peer.send_raw(init[: len(init) // 2])
        return peer
    if way == 7:
        return half_a_key_exchange(uint32(60) + bytes([200]) + os.urandom(59))
    peer = Peer()
    if way == 8:
        peer.send_raw(uint32(0xFFFFFFF0) + os.urandom(1000))
    else:
        peer.request_service()
        peer.send(peer.request(os.environ["LOGIN"], "password")[:-3])
    return peer


def drip(peers):
    """One more byte of an endless identification, from each."""
    for peer in peers:
        try:
            peer.send_raw(b"x")
        except (BrokenPipeError, ConnectionResetError):
            pass


@claim
def thousand_broken_connections():
    """They come one after another and twenty at a time, and ten that send a byte now and then; logins from elsewhere
    work throughout."""
    dripping = [Peer(handshake=False) for _ in range(10)]
    waiting, refused = [], 0
    for number in range(990):
        try:
            waiting.append(broken(number))
        except (Disconnected, BrokenPipeError, ConnectionResetError):
            refused += 1
        if number % 10 == 0:
            drip(dripping)
        if len(waiting) == 20 or number % 3 == 0:
            for peer in waiting:
                if number % 2:
                    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.socket.close()
            waiting = []
        if number % 90 == 45:
            inside = Peer(source="127.0.0.9").login()
            assert inside.open_channel().execute("echo in").output()[0] == b"in\n"
            inside.socket.close()
    for peer in waiting + dripping:
        peer.socket.close()
    # They were accepted, and not refused on connecting.
    assert refused < 50, refused


main()
