"""A small SSH client that sends what it is told, and nothing else: for what no honest client does.

curve25519-sha256, ssh-ed25519 and aes128-gcm@openssh.com; RFC 4253, 8731 and 5647."""

import base64
import hashlib
import os
import select
import socket
import struct
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wire import Reader, boolean, byte, mpint, string, uint32

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO = 1, 2, 3, 4, 5, 6, 7
KEXINIT, NEWKEYS, KEX_ECDH_INIT, KEX_ECDH_REPLY = 20, 21, 30, 31
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER = 50, 51, 52, 53
USERAUTH_PK_OK, USERAUTH_INFO_REQUEST, USERAUTH_INFO_RESPONSE = 60, 60, 61
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
CHANNEL_OPEN, CHANNEL_OPEN_CONFIRMATION, CHANNEL_OPEN_FAILURE, CHANNEL_WINDOW_ADJUST = 90, 91, 92, 93
CHANNEL_DATA, CHANNEL_EXTENDED_DATA, CHANNEL_EOF, CHANNEL_CLOSE = 94, 95, 96, 97
CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_FAILURE = 98, 99, 100

PATIENCE = 20


class Disconnected(Exception):
    """The server has closed the connection; `reason` and `text` are those of its DISCONNECT, if it sent one."""

    def __init__(self, reason=None, text=""):
        super().__init__(f"disconnected: {reason} {text!r}")
        self.reason = reason
        self.text = text


class Peer:
    """One connection, with its first key exchange done unless `handshake` is false; from the address `source`."""

    def __init__(self, handshake=True, receive_buffer=None, source=os.environ.get("SOURCE")):
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", int(os.environ["PORT"])))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.seal = self.open = None
        self.session_id = None
        self.identification = None
        self.requests = []
        self.extensions = {}
        self.banner = None
        if handshake:
            self.identify()
            self.exchange_keys()

    # Bytes

    def send_raw(self, data):
        self.socket.settimeout(PATIENCE)
        self.socket.sendall(data)

    def read_raw(self, count, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while len(self.buffer) < count:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                more = self.socket.recv(262144)
            except ConnectionResetError:
                raise Disconnected() from None
            if not more:
                raise Disconnected()
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def identify(self, line=b"SSH-2.0-interop"):
        self.client_id = line
        self.send_raw(line + b"\r\n")
        self.hear_identification()

    def hear_identification(self):
        text = b""
        while not text.endswith(b"\n"):
            text += self.read_raw(1)
        self.identification = text.rstrip(b"\r\n")

    # Packets

    def pack(self, payload):
        blocks = 8 if self.seal is None else 16
        size = len(payload) + 1 + (4 if self.seal is None else 0)
        padding = blocks - size % blocks
        padding += blocks if padding < 4 else 0
        plain = byte(padding) + payload + os.urandom(padding)
        if self.seal is None:
            return uint32(len(plain)) + plain
        return self.seal(plain)

    def send(self, *payloads):
        self.send_raw(b"".join(self.pack(payload) for payload in payloads))

    def receive_packet(self, patience=PATIENCE):
        head = self.read_raw(4, patience)
        length = struct.unpack(">I", head)[0]
        assert length <= 262144, length
        if self.open is None:
            plain = self.read_raw(length, patience)
        else:
            plain = self.open(head, self.read_raw(length + 16, patience))
        payload = plain[1 : len(plain) - plain[0]]
        if payload[0] == DISCONNECT:
            reader = Reader(payload[1:])
            raise Disconnected(reader.uint32(), reader.text())
        return payload

    def receive(self, patience=PATIENCE):
        """The next message that matters to a test; key exchanges, host key announcements and the like are handled."""
        while True:
            payload = self.receive_packet(patience)
            number = payload[0]
            if number in (IGNORE, DEBUG):
                continue
            if number == EXT_INFO:
                reader = Reader(payload[1:])
                for _ in range(reader.uint32()):
                    name = reader.text()
                    self.extensions[name] = reader.string()
            elif number == USERAUTH_BANNER:
                self.banner = Reader(payload[1:]).text()
            elif number == GLOBAL_REQUEST:
                reader = Reader(payload[1:])
                self.requests.append(reader.text())
                if reader.boolean():
                    self.send(byte(REQUEST_FAILURE))
            elif number == KEXINIT:
                self.exchange_keys(payload)
            else:
                return payload

    def expect(self, *numbers, patience=PATIENCE):
        """The next message, which must be one of these; window adjustments are ignored."""
        payload = self.receive(patience)
        while payload[0] == CHANNEL_WINDOW_ADJUST and CHANNEL_WINDOW_ADJUST not in numbers:
            payload = self.receive(patience)
        assert payload[0] in numbers, f"expected message {numbers}, got {payload[0]}: {payload[:80]!r}"
        return Reader(payload[1:])

    def expect_disconnect(self, patience=PATIENCE):
        """Reads until the server closes the connection, and returns how it did."""
        while True:
            try:
                self.receive(patience)
            except Disconnected as end:
                return end
            except (BrokenPipeError, ConnectionResetError):
                return Disconnected()

    def is_silent(self, patience):
        """True if nothing is received for this long."""
        return not self.buffer and not select.select([self.socket], [], [], patience)[0]

    # Key exchange

    def kexinit(self):
        lists = ["curve25519-sha256,ext-info-c", "ssh-ed25519"]
        lists += ["aes128-gcm@openssh.com"] * 2 + ["hmac-sha2-256"] * 2 + ["none"] * 2 + [""] * 2
        return byte(KEXINIT) + os.urandom(16) + b"".join(map(string, lists)) + boolean(False) + uint32(0)

    def exchange_keys(self, theirs=None):
        ours = self.kexinit()
        self.send(ours)
        while theirs is None:
            payload = self.receive_packet()
            theirs = payload if payload[0] == KEXINIT else None
        private = x25519.X25519PrivateKey.generate()
        public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.send(byte(KEX_ECDH_INIT) + string(public))
        payload = self.receive_packet()
        assert payload[0] == KEX_ECDH_REPLY, payload[0]
        reply = Reader(payload[1:])
        host_key, server_public, signature = reply.string(), reply.string(), reply.string()
        shared = int.from_bytes(private.exchange(x25519.X25519PublicKey.from_public_bytes(server_public)), "big")
        texts = [self.client_id, self.identification, ours, theirs, host_key, public, server_public]
        exchange = hashlib.sha256(b"".join(map(string, texts)) + mpint(shared)).digest()
        key, blob = Reader(host_key), Reader(signature)
        assert key.text() == blob.text() == "ssh-ed25519"
        ed25519.Ed25519PublicKey.from_public_bytes(key.string()).verify(blob.string(), exchange)
        self.host_key = host_key
        self.session_id = self.session_id or exchange
        self.send(byte(NEWKEYS))

        def derive(letter, size):
            seed = mpint(shared) + exchange
            return hashlib.sha256(seed + letter + self.session_id).digest()[:size]

        self.seal = sealing(derive(b"C", 16), derive(b"A", 12))
        while self.receive_packet()[0] != NEWKEYS:
            pass
        self.open = opening(derive(b"D", 16), derive(b"B", 12))

    # Authentication

    def request_service(self, name="ssh-userauth"):
        self.send(byte(SERVICE_REQUEST) + string(name))
        return self.expect(SERVICE_ACCEPT)

    def request(self, user, method, rest=b"", service="ssh-connection"):
        return byte(USERAUTH_REQUEST) + string(user) + string(service) + string(method) + rest

    def sign(self, user, key, algorithm=None, session_id=None):
        """A complete publickey request."""
        start = self.request(user, "publickey") + boolean(True) + string(algorithm or key.algorithm) + string(key.blob)
        signature = key.sign(string(session_id or self.session_id) + start, algorithm)
        return start + string(signature)

    def login(self, user=None, key=None):
        self.request_service()
        self.send(self.sign(user or os.environ["LOGIN"], key or Key.load()))
        self.expect(USERAUTH_SUCCESS)
        return self

    def try_password(self, password, user=None):
        self.send(self.request(user or os.environ["LOGIN"], "password", boolean(False) + string(password)))
        return self.receive()

    # Channels

    def open_channel(self, window=2**21, packet=32768, kind="session", number=0):
        self.send(byte(CHANNEL_OPEN) + string(kind) + uint32(number) + uint32(window) + uint32(packet))
        reply = self.expect(CHANNEL_OPEN_CONFIRMATION)
        assert reply.uint32() == number
        return RemoteChannel(self, reply.uint32(), reply.uint32(), reply.uint32())


class RemoteChannel:
    """A channel, with the server's number."""

    def __init__(self, peer, number, window, packet):
        self.peer = peer
        self.number = number
        self.window = window
        self.packet = packet

    def ask(self, name, rest=b"", wants_reply=True):
        return byte(CHANNEL_REQUEST) + uint32(self.number) + string(name) + boolean(wants_reply) + rest

    def execute(self, command):
        self.peer.send(self.ask("exec", string(command)))
        self.peer.expect(CHANNEL_SUCCESS)
        return self

    def data(self, content):
        return byte(CHANNEL_DATA) + uint32(self.number) + string(content)

    def adjust(self, count):
        return byte(CHANNEL_WINDOW_ADJUST) + uint32(self.number) + uint32(count)

    def end(self):
        return byte(CHANNEL_EOF) + uint32(self.number)

    def close(self):
        return byte(CHANNEL_CLOSE) + uint32(self.number)

    def output(self):
        """What is received until the channel is closed: standard output, standard error, and the exit request."""
        output, errors, exit_status = b"", b"", None
        while True:
            payload = self.peer.receive()
            reader = Reader(payload[5:])
            if payload[0] == CHANNEL_DATA:
                output += reader.string()
            elif payload[0] == CHANNEL_EXTENDED_DATA:
                reader.uint32()
                errors += reader.string()
            elif payload[0] == CHANNEL_REQUEST:
                name = reader.text()
                reader.boolean()
                if name == "exit-status":
                    exit_status = reader.uint32()
                elif name == "exit-signal":
                    exit_status = reader.text()
            elif payload[0] == CHANNEL_CLOSE:
                self.peer.send(self.close())
                return output, errors, exit_status


def nonces(fixed):
    prefix, counter = fixed[:4], int.from_bytes(fixed[4:], "big")
    while True:
        yield prefix + counter.to_bytes(8, "big")
        counter = (counter + 1) % 2**64


def sealing(key, fixed):
    cipher, nonce = AESGCM(key), nonces(fixed)

    def seal(plain):
        head = uint32(len(plain))
        return head + cipher.encrypt(next(nonce), plain, head)

    return seal


def opening(key, fixed):
    cipher, nonce = AESGCM(key), nonces(fixed)
    return lambda head, sealed: cipher.decrypt(next(nonce), sealed, head)


class Key:
    """A key that can sign: `algorithm` is its type, `blob` its public key."""

    def __init__(self, algorithm, blob, sign):
        self.algorithm = algorithm
        self.blob = blob
        self._sign = sign

    def sign(self, data, algorithm=None):
        return self._sign(data, algorithm or self.algorithm)

    @property
    def line(self):
        name = Reader(self.blob).text()
        return f"{name} {base64.b64encode(self.blob).decode()}"

    @staticmethod
    def load(path=None):
        """The ed25519 key of a file, by default the one that can log in."""
        with open(path or os.environ["KEY"], "rb") as file:
            return Key.ed25519(serialization.load_ssh_private_key(file.read(), None))

    @staticmethod
    def ed25519(private=None):
        private = private or ed25519.Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        name = "ssh-ed25519"
        return Key(name, string(name) + string(public), lambda data, as_: string(as_) + string(private.sign(data)))


def authorize(*keys):
    """Replaces the user's authorized_keys."""
    with open(os.environ["AUTHORIZED_KEYS"], "w") as file:
        file.writelines(key.line + "\n" for key in keys)
