"""Connections that clients forward to targets: -L, -D, -W, -J, and the messages behind them."""

import contextlib
import http.server
import os
import resource
import select
import socket
import subprocess
import threading
import time

from claims import claim, main
from rawssh import *
from wire import *

SSH = os.environ["SSH"]
DIRECTORY = os.environ["DIRECTORY"]
PATIENCE = 60


# Targets

def serve(family, address, handle):
    """A target that handles each connection in a thread of its own; returns its listener."""
    listener = socket.socket(family)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(address)
    listener.listen(4096)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def echo(connection):
    """Sends back what it receives, to the end."""
    with connection:
        while data := connection.recv(1 << 16):
            connection.sendall(data)


def reverse(connection):
    """Sends back everything in reverse order after the end of it."""
    with connection:
        data = b""
        while more := connection.recv(1 << 16):
            data += more
        connection.sendall(data[::-1])


def farewell(connection):
    """Sends a line and ends that direction, and keeps what it receives after that."""
    with connection:
        connection.sendall(b"farewell\n")
        connection.shutdown(socket.SHUT_WR)
        data = b""
        while more := connection.recv(1 << 16):
            data += more
        received.append(data)


def flood(connection):
    """Sends without end, and reads nothing."""
    with connection, contextlib.suppress(OSError):
        while True:
            connection.sendall(b"x" * (1 << 16))


def stall(connection):
    """Reads nothing, and keeps the connection."""
    stalled.append(connection)


received, stalled = [], []


def target(handle=echo, family=socket.AF_INET, address="127.0.0.1"):
    return serve(family, (address, 0), handle).getsockname()[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unused_port():
    return free_port()


# Clients

def wait_until(condition, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def is_listening(address, family=socket.AF_INET):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


@contextlib.contextmanager
def ssh(*words):
    """A running ssh without a session, once it is the master of a shared connection; its socket for others."""
    master = f"{DIRECTORY}/m{os.getpid()}.{threading.get_ident() % 997}"
    command = [SSH, "-N", "-M", "-S", master, "-o", "ExitOnForwardFailure=yes", *words, "host"]
    client = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: client.poll() is not None or os.path.exists(master), "ssh is not connected")
        assert client.poll() is None, client.stderr.read()
        yield master
    finally:
        client.terminate()
        client.wait(PATIENCE)


def shared(master, command, patience=PATIENCE):
    words = [SSH, "-S", master, "host", command]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience)


def connect(port):
    wait_until(lambda: is_listening(("127.0.0.1", port)), "nobody listens")
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection.settimeout(PATIENCE)
    return connection


def read_all(connection):
    data = b""
    while more := connection.recv(1 << 16):
        data += more
    return data


def direct(host, port, number=0, window=2**21, packet=32768, originator="192.0.2.1"):
    """CHANNEL_OPEN of direct-tcpip."""
    start = byte(CHANNEL_OPEN) + string("direct-tcpip") + uint32(number) + uint32(window) + uint32(packet)
    return start + string(host) + uint32(port) + string(originator) + uint32(5)


def streamlocal(path, number=0):
    start = byte(CHANNEL_OPEN) + string("direct-streamlocal@openssh.com") + uint32(number)
    return start + uint32(2**21) + uint32(32768) + string(path) + string("") + uint32(0)


def refusal(peer, message, patience=PATIENCE):
    peer.send(message)
    reader = peer.expect(CHANNEL_OPEN_FAILURE, patience=patience)
    reader.uint32()
    return reader.uint32()


# Claims

@claim
def local():
    """-L without a session: data, and the end of either direction while the other goes on."""
    ports = [free_port() for _ in range(3)]
    targets = [target(reverse), target(farewell), target(echo)]
    words = [word for pair in zip(ports, targets) for word in ("-L", f"{pair[0]}:127.0.0.1:{pair[1]}")]
    with ssh(*words):
        data = os.urandom(3 << 20)
        with connect(ports[0]) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            assert read_all(connection) == data[::-1]
        with connect(ports[1]) as connection:
            assert read_all(connection) == b"farewell\n"
            connection.sendall(b"and to you")
            connection.shutdown(socket.SHUT_WR)
            wait_until(lambda: b"and to you" in received, "the target has not received it")
        with connect(ports[2]) as connection:
            sender = threading.Thread(target=lambda: connection.sendall(data))
            sender.start()
            back = b""
            while len(back) < len(data):
                back += connection.recv(1 << 16)
            sender.join()
            assert back == data


@claim
def local_unix():
    """-L to a Unix socket, which sees the user who has logged in."""
    path = f"{os.environ['USER_HOME']}/target"
    peers = []

    def report(connection):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        peers.append(struct.unpack("iII", credentials)[1])
        echo(connection)

    serve(socket.AF_UNIX, path, report)
    owner = os.stat(os.environ["USER_HOME"]).st_uid
    os.chown(path, owner, -1)
    port = free_port()
    with ssh("-L", f"{port}:{path}"), connect(port) as connection:
        connection.sendall(b"hello")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b"hello"
    assert owner in peers and set(peers) == {owner}, (peers, owner)
    # A socket of somebody else refuses the user. Root may use it.
    if owner != 0 and os.geteuid() == 0:
        os.chown(path, 0, 0)
        os.chmod(path, 0o600)
        assert refusal(Peer().login(), streamlocal(path)) == 2


@claim
def standard_streams():
    """-W: the end of standard input arrives, and the answer comes back."""
    words = [SSH, "-W", f"127.0.0.1:{target(reverse)}", "host"]
    outcome = subprocess.run(words, input=b"abc" * 100_000, capture_output=True, timeout=PATIENCE)
    assert outcome.returncode == 0 and outcome.stdout == b"cba" * 100_000, outcome.stderr


@claim
def socks():
    """-D with curl: SOCKS 4, 4a and 5, with addresses of both families and with names."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"served")

        def log_message(self, *_):
            pass

    class Server6(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6

    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler), Server6(("::1", 0), Handler)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    v4, v6 = [server.server_address[1] for server in servers]
    port = free_port()
    with ssh("-D", str(port)):
        wait_until(lambda: is_listening(("127.0.0.1", port)), "nobody listens")
        for kind, url in [
            ("socks4", f"127.0.0.1:{v4}"), ("socks4a", f"127.0.0.1:{v4}"), ("socks4a", f"localhost:{v4}"),
            ("socks5", f"127.0.0.1:{v4}"), ("socks5", f"[::1]:{v6}"), ("socks5-hostname", f"localhost:{v4}"),
            ("socks5-hostname", f"[::1]:{v6}"),
        ]:
            words = ["curl", "-sS", "-m", "30", f"--{kind}", f"127.0.0.1:{port}", f"http://{url}/"]
            outcome = subprocess.run(words, capture_output=True, timeout=PATIENCE)
            assert outcome.stdout == b"served", (kind, url, outcome)


@claim
def jump():
    """-J through this daemon to itself, by one and by two hops."""
    for hops in ["one", "one,two"]:
        words = [SSH, "-J", hops, "host", "echo there"]
        outcome = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        assert outcome.returncode == 0 and outcome.stdout == "there\n", (hops, outcome)


@claim
def stalled_readers():
    """Neither a client nor a target that reads nothing stalls other channels of the connection."""
    down, up, other = free_port(), free_port(), free_port()
    with ssh(
        "-L", f"{down}:127.0.0.1:{target(flood)}", "-L", f"{up}:127.0.0.1:{target(stall)}",
        "-L", f"{other}:127.0.0.1:{target(echo)}",
    ) as master, connect(down), connect(up) as sender, connect(other) as third:
        sender.setblocking(False)
        quiet = time.monotonic() + 0.5
        # Until it is full: nothing more is accepted for a while.
        while select.select([], [sender], [], max(0, quiet - time.monotonic()))[1]:
            sender.send(b"x" * (1 << 16))
            quiet = time.monotonic() + 0.5
        outcome = shared(master, "echo on")
        assert outcome.stdout == "on\n", outcome
        third.sendall(b"hello")
        assert third.recv(5) == b"hello"


@claim
def thousand():
    """A thousand forwarded connections at once, with data on all of them, while a shell answers; all end with ssh."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    port, goal = free_port(), target(echo)
    with ssh("-L", f"{port}:127.0.0.1:{goal}") as master:
        wait_until(lambda: is_listening(("127.0.0.1", port)), "nobody listens")
        connections = []
        for number in range(999):
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
            connection.sendall(b"%05d" % number)
            connections.append(connection)
        for number, connection in enumerate(connections):
            assert connection.recv(5, socket.MSG_WAITALL) == b"%05d" % number
        stop = threading.Event()

        def exchange(part):
            while not stop.is_set():
                for connection in part:
                    connection.sendall(b"x" * 4096)
                for connection in part:
                    connection.recv(4096, socket.MSG_WAITALL)

        threads = [threading.Thread(target=exchange, args=(connections[i::4],)) for i in range(4)]
        for thread in threads:
            thread.start()
        try:
            begin = time.monotonic()
            outcome = shared(master, "echo on")
            assert outcome.stdout == "on\n", outcome
            assert time.monotonic() - begin < 5, "the shell waits for the others"
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@claim
def refusals():
    """What a rule refuses has reason 1, what the target refuses reason 2, and the connection goes on."""
    peer = Peer().login()
    permitted, other = int(os.environ["PERMITTED"]), target(echo)
    assert refusal(peer, direct("127.0.0.1", other)) == 1
    assert refusal(peer, direct("localhost", other)) == 1
    assert refusal(peer, direct("localhost", permitted)) == 2
    assert refusal(peer, direct("127.0.0.1", permitted)) == 2
    assert refusal(peer, direct("::ffff:127.0.0.1", permitted)) == 2
    assert peer.open_channel().execute("echo on").output()[0] == b"on\n"


@claim
def impossible():
    """Impossible targets are refused, and unknown types of channels; the connection goes on."""
    peer = Peer().login()
    for message in [
        direct("127.0.0.1", 0), direct("127.0.0.1", 65536), direct("127.0.0.1", 2**32 - 1), direct("", 80),
        direct("a\0b", 80), direct("a" * 256, 80), direct("a" * 65536, 80), direct("127.0.0.1", unused_port()),
        direct(b"\xff\xfe", 80), direct("127.0.0.1", unused_port(), originator="x" * 65536), streamlocal(""),
        streamlocal("/a\0b"), streamlocal("/" + "a" * 107), streamlocal("/" + "a" * 65536), streamlocal("/nowhere"),
        streamlocal("@nowhere"), direct("127.0.0.1", unused_port(), packet=1023),
    ]:
        assert refusal(peer, message) == 2, message[:80]
    for kind in ["x11", "tun@openssh.com", "auth-agent@openssh.com", "forwarded-tcpip", ""]:
        rest = string(kind) + uint32(0) + uint32(2**21) + uint32(32768) + string("127.0.0.1") + uint32(80)
        assert refusal(peer, byte(CHANNEL_OPEN) + rest) == 3, kind
    for kind in ["x11-req", "auth-agent-req@openssh.com"]:
        channel = peer.open_channel()
        peer.send(channel.ask(kind, boolean(False)))
        peer.expect(CHANNEL_FAILURE)
        assert channel.execute("echo on").output()[0] == b"on\n"


@claim
def malformed():
    """A message that does not have the form of its type ends the connection."""
    for message in [direct("127.0.0.1", 80) + b"x", direct("127.0.0.1", 80)[:-1], streamlocal("/x") + b"x"]:
        peer = Peer().login()
        peer.send(message)
        assert peer.expect_disconnect().reason == 2


@claim
def requests_on_a_forward():
    """A forwarded channel runs no program, and ignores eow."""
    peer = Peer().login()
    goal = target(echo)
    peer.send(direct("127.0.0.1", goal))
    reader = peer.expect(CHANNEL_OPEN_CONFIRMATION)
    reader.uint32()
    channel = RemoteChannel(peer, reader.uint32(), 0, 0)
    for name, rest in [("shell", b""), ("exec", string("id")), ("x", b""), ("env", string("A") + string("b"))]:
        peer.send(channel.ask(name, rest))
        peer.expect(CHANNEL_FAILURE)
    peer.send(channel.ask("eow@openssh.com", wants_reply=False), channel.data(b"hello"))
    reader = peer.expect(CHANNEL_DATA)
    reader.uint32()
    assert reader.string() == b"hello"
    peer.send(channel.end())
    peer.expect(CHANNEL_EOF)
    peer.expect(CHANNEL_CLOSE)
    peer.send(channel.close())
    peer.send(channel.data(b"x"))
    assert peer.expect_disconnect().reason == 2


@claim
def no_more_sessions():
    """no-more-sessions@openssh.com concerns sessions only."""
    peer = Peer().login()
    peer.send(byte(GLOBAL_REQUEST) + string("no-more-sessions@openssh.com") + boolean(True))
    peer.expect(REQUEST_SUCCESS)
    peer.send(direct("127.0.0.1", target(echo)))
    peer.expect(CHANNEL_OPEN_CONFIRMATION)


@claim
def hundred_thousand():
    """A client that opens 100,000 channels gets as many as it may have; the others get reason 4."""
    peer, goal = Peer().login(), target(stall)
    opened, refused = 0, 0
    for start in range(0, 100_000, 500):
        peer.send(*[direct("127.0.0.1", goal, number) for number in range(start, start + 500)])
        for _ in range(500):
            payload = peer.receive()
            if payload[0] == CHANNEL_OPEN_CONFIRMATION:
                opened += 1
            else:
                assert payload[0] == CHANNEL_OPEN_FAILURE
                reader = Reader(payload[5:])
                assert reader.uint32() == 4
                refused += 1
        if start == 50_000:
            assert Peer().login().open_channel().execute("echo on").output()[0] == b"on\n"
    assert (opened, refused) == (10, 99_990), (opened, refused)
    assert peer.open_channel().execute("echo on").output()[0] == b"on\n"


@claim
def paramiko_channel():
    import paramiko

    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        "127.0.0.1", int(os.environ["PORT"]), os.environ["LOGIN"], key_filename=os.environ["KEY"],
        look_for_keys=False, allow_agent=False)
    transport = client.get_transport()
    channel = transport.open_channel("direct-tcpip", ("127.0.0.1", target(reverse)), ("127.0.0.1", 4))
    channel.sendall(b"abc")
    channel.shutdown_write()
    assert channel.recv(100) == b"cba"
    assert channel.recv(100) == b""
    try:
        transport.open_channel("direct-tcpip", ("127.0.0.1", unused_port()), ("127.0.0.1", 4))
        raise AssertionError("it is connected")
    except paramiko.ChannelException as error:
        assert error.code == 2, error
    _, output, _ = client.exec_command("echo on")
    assert output.read() == b"on\n"
    client.close()


@claim
def rekeyed():
    """New keys every MiB while data goes both ways over forwarded channels."""
    port = free_port()
    data = os.urandom(8 << 20)
    with ssh("-L", f"{port}:127.0.0.1:{target(echo)}"):
        def exchange():
            with connect(port) as connection:
                sender = threading.Thread(target=lambda: connection.sendall(data))
                sender.start()
                back = bytearray()
                while len(back) < len(data):
                    more = connection.recv(1 << 16)
                    assert more, len(back)
                    back += more
                sender.join()
                assert bytes(back) == data
                done.append(1)

        done = []
        threads = [threading.Thread(target=exchange) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 3


# Names that are never resolved

def silent_name_server():
    """A name server that is asked and never answers; the name service of the daemon uses it."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.53", 53))
    return server


def resolvers():
    """The processes of the daemon that look up names."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
            if file.read().startswith(b"bssh-session: resolver"):
                found.append(int(name))
    return found


@claim
def hanging_names():
    """Names that are not resolved are given up after the timeout; eight are looked up at once; a shell answers."""
    with silent_name_server():
        peer = Peer().login()
        begin = time.monotonic()
        peer.send(*[direct(f"name{number}.test", 80, number) for number in range(12)])
        wait_until(lambda: len(resolvers()) == 8, "there are not eight resolvers")
        owner = os.stat(os.environ["USER_HOME"]).st_uid
        for pid in resolvers():
            assert os.stat(f"/proc/{pid}/stat").st_uid in (owner, 0)
            with open(f"/proc/{pid}/status") as file:
                assert f"\nUid:\t{owner}\t{owner}\t{owner}\t" in file.read()
        assert peer.open_channel(number=99).execute("echo on").output()[0] == b"on\n"
        for _ in range(12):
            reader = peer.expect(CHANNEL_OPEN_FAILURE)
            reader.uint32()
            assert reader.uint32() == 2
        assert 2.9 < time.monotonic() - begin < 30
        wait_until(lambda: not resolvers(), "a resolver is left")
        # An address and a name in a file are still reached.
        peer.send(direct("127.0.0.1", target(echo)))
        peer.expect(CHANNEL_OPEN_CONFIRMATION)
        peer.send(direct("localhost", target(echo)))
        peer.expect(CHANNEL_OPEN_CONFIRMATION)


@claim
def killed():
    """Nothing is left of forwards after kill -9 of $VICTIM, with names that hang and connections that are open."""
    with silent_name_server():
        ends = []

        def note_end(connection):
            with connection, contextlib.suppress(OSError):
                connection.recv(1)
            ends.append(1)

        goal = target(note_end)
        peer = Peer().login()
        for number in range(5):
            peer.send(direct("127.0.0.1", goal, number))
            peer.expect(CHANNEL_OPEN_CONFIRMATION)
        peer.send(*[direct(f"name{number}.test", 80, 10 + number) for number in range(4)])
        wait_until(lambda: len(resolvers()) == 4, "there are not four resolvers")
        children = resolvers()
        with open(f"/proc/{children[0]}/stat") as file:
            session = int(file.read().rpartition(")")[2].split()[1])
        victim = {"session": session, "supervisor": int(os.environ["DAEMON"])}.get(os.environ["VICTIM"])
        if victim is None:
            victim = next(
                int(name)
                for name in filter(str.isdigit, os.listdir("/proc"))
                if is_transport_of_a_connection(name)
            )
        os.kill(victim, 9)
        wait_until(lambda: not any(is_running(child) for child in children), "a resolver is left")
        wait_until(lambda: len(ends) == 5, f"{5 - len(ends)} connections are left")
        wait_until(lambda: not is_running(session), "the session is left")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_transport_of_a_connection(name):
    with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
        return file.read().startswith(b"bssh-transport [")
    return False


main()
