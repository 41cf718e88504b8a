"""Clients of mlkem768x25519-sha256, honest and hostile (draft-ietf-sshm-mlkem-hybrid-kex); ML-KEM is kyber-py's."""

import time

import rawssh
from claims import claim, main
from kyber_py.ml_kem import ML_KEM_768
from rawssh import *

HYBRID, CLASSIC = "mlkem768x25519-sha256", "curve25519-sha256"
UNKNOWN = "sntrup761x25519-sha512"
KEY, CIPHERTEXT = 1184, 1088


class Client(Peer):
    """Proposes `methods`; `guess` sends a message before the server's KEXINIT; `spoil` alters the public keys."""

    def __init__(self, methods=HYBRID, host_keys="ssh-ed25519", guess=None, spoil=lambda public: public, strict=True):
        self.methods, self.host_keys, self.guess, self.spoil, self.strict = methods, host_keys, guess, spoil, strict
        self.chosen, self.sent = [], False
        super().__init__()

    def kexinit(self):
        markers = ",ext-info-c,kex-strict-c-v00@openssh.com" if self.strict and not self.chosen else ""
        lists = [self.methods + markers, self.host_keys]
        lists += ["aes128-gcm@openssh.com"] * 2 + ["hmac-sha2-256"] * 2 + ["none"] * 2 + [""] * 2
        guesses = boolean(self.guess is not None)
        return byte(KEXINIT) + os.urandom(16) + b"".join(map(string, lists)) + guesses + uint32(0)

    def make_keys(self, method):
        self.private = x25519.X25519PrivateKey.generate()
        self.public = self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        if method == HYBRID:
            public, self.decapsulation_key = ML_KEM_768.keygen()
            self.public = public + self.public

    def send_keys(self):
        self.sent = True
        self.send(byte(KEX_ECDH_INIT) + string(self.spoil(self.public)))

    def shared_secret(self, method, server):
        """K, encoded."""
        classic = server[-32:]
        secret = self.private.exchange(x25519.X25519PublicKey.from_public_bytes(classic))
        if method == CLASSIC:
            return mpint(int.from_bytes(secret, "big"))
        assert len(server) == CIPHERTEXT + 32, len(server)
        both = ML_KEM_768.decaps(self.decapsulation_key, server[:CIPHERTEXT]) + secret
        return string(hashlib.sha256(both).digest())

    def exchange_keys(self, theirs=None):
        ours = self.kexinit()
        self.send(ours)
        if self.guess is not None:
            self.guess(self)
        while theirs is None:
            payload = self.receive_packet()
            theirs = payload if payload[0] == KEXINIT else None
        offered = Reader(theirs[17:]).text().split(",")
        method = next(name for name in self.methods.split(",") if name in offered)
        self.chosen.append(method)
        if not self.sent:
            self.make_keys(method)
            self.send_keys()
        self.sent = False
        payload = self.receive_packet()
        assert payload[0] == KEX_ECDH_REPLY, payload[0]
        reply = Reader(payload[1:])
        host_key, self.server_public, signature = reply.string(), reply.string(), reply.string()
        shared = self.shared_secret(method, self.server_public)
        texts = [self.client_id, self.identification, ours, theirs, host_key, self.public, self.server_public]
        exchange = hashlib.sha256(b"".join(map(string, texts)) + shared).digest()
        key, blob = Reader(host_key), Reader(signature)
        assert key.text() == blob.text() == "ssh-ed25519"
        ed25519.Ed25519PublicKey.from_public_bytes(key.string()).verify(blob.string(), exchange)
        self.session_id = self.session_id or exchange
        self.send(byte(NEWKEYS))

        def derive(letter, size):
            return hashlib.sha256(shared + exchange + letter + self.session_id).digest()[:size]

        self.seal = rawssh.sealing(derive(b"C", 16), derive(b"A", 12))
        while self.receive_packet()[0] != NEWKEYS:
            pass
        self.open = rawssh.opening(derive(b"D", 16), derive(b"B", 12))

    def rekey(self, methods):
        self.methods, self.guess = methods, None
        self.exchange_keys()
        self.send(byte(GLOBAL_REQUEST) + string("ping") + boolean(True))
        self.expect(REQUEST_SUCCESS, REQUEST_FAILURE)


def agrees(*methods, **options):
    """The client logs in, rekeys with each further method, and a command runs; these methods were chosen."""
    client = Client(**options).login()
    for method in methods[1:]:
        client.rekey(method)
    assert client.open_channel().execute("echo in").output()[0] == b"in\n"
    assert client.chosen == list(methods), client.chosen
    client.socket.close()


def is_refused(what, start):
    """`start` makes a client; the server closes its connection before there are keys, and soon."""
    began = time.monotonic()
    try:
        start()
    except (Disconnected, ConnectionResetError, BrokenPipeError):
        assert time.monotonic() - began < 10, what
        return
    raise AssertionError(f"not refused: {what}")


# Negotiation


@claim
def the_hybrid_method_is_offered_first():
    peer = Peer(handshake=False)
    peer.identify()
    assert Reader(peer.receive_packet()[17:]).text().split(",")[:2] == [HYBRID, CLASSIC]


@claim
def a_client_logs_in():
    agrees(HYBRID)


@claim
def each_client_gets_the_best_method_that_it_has():
    agrees(HYBRID)
    agrees(CLASSIC, methods=CLASSIC)
    agrees(CLASSIC, methods=f"{CLASSIC},{HYBRID}")
    agrees(HYBRID, methods=f"{UNKNOWN},{HYBRID},{CLASSIC}")
    agrees(CLASSIC, methods=f"{HYBRID}@x,{CLASSIC}")
    agrees(HYBRID, strict=False)


@claim
def methods_change_from_one_exchange_to_the_next():
    agrees(*[HYBRID] * 21)
    agrees(HYBRID, CLASSIC, HYBRID, CLASSIC, CLASSIC, HYBRID)
    agrees(CLASSIC, HYBRID, CLASSIC, methods=CLASSIC)


@claim
def a_right_guess_of_the_hybrid_method_is_taken_and_wrong_ones_are_passed_over():
    def right(client):
        client.make_keys(HYBRID)
        client.send_keys()

    def wrong(size):
        return lambda client: client.send(byte(KEX_ECDH_INIT) + string(os.urandom(size)))

    agrees(HYBRID, guess=right)
    agrees(CLASSIC, methods=CLASSIC, guess=wrong(32))
    agrees(HYBRID, methods=f"{UNKNOWN},{HYBRID}", guess=wrong(1190))
    agrees(CLASSIC, methods=f"{UNKNOWN},{CLASSIC}", guess=wrong(1190))
    agrees(HYBRID, host_keys="ssh-rsa,ssh-ed25519", guess=wrong(1216))


@claim
def no_two_connections_encapsulate_the_same_secret():
    """Connections are served by copies of one process, which must not share random numbers: with the same key and the
    same seed the ciphertext would be the same."""
    public, private = ML_KEM_768.keygen()

    class Same(Client):
        def make_keys(self, method):
            super().make_keys(method)
            self.public, self.decapsulation_key = public + self.public[KEY:], private

    clients = [Same() for _ in range(6)]
    ciphertexts = {client.server_public[:CIPHERTEXT] for client in clients}
    assert len(ciphertexts) == len(clients)
    classics = {client.server_public[CIPHERTEXT:] for client in clients}
    assert len(classics) == len(clients)


# Refusals


@claim
def keys_of_a_wrong_length_are_refused():
    for what, spoil in {
        "nothing": lambda q: b"", "X25519 alone": lambda q: q[KEY:], "ML-KEM alone": lambda q: q[:KEY],
        "a byte missing": lambda q: q[:-1], "a byte too many": lambda q: q + b"\0",
        "two X25519 keys": lambda q: q + q[KEY:], "30,000 bytes": lambda q: q + bytes(28784),
        "random bytes of a classic key": lambda q: os.urandom(32),
    }.items():
        is_refused(what, lambda: Client(spoil=spoil))


@claim
def invalid_keys_are_refused():
    def with_coefficient(key, index, value):
        changed = bytearray(key)
        at = index // 2 * 3
        if index % 2 == 0:
            changed[at] = value & 255
            changed[at + 1] = changed[at + 1] & 0xF0 | value >> 8
        else:
            changed[at + 1] = changed[at + 1] & 0x0F | (value & 15) << 4
            changed[at + 2] = value >> 4
        return bytes(changed)

    for index in (0, 1, 2, 383, 766, 767):
        for value in (3329, 4095):
            is_refused(
                f"coefficient {index} is {value}", lambda: Client(spoil=lambda q: with_coefficient(q, index, value)))
    is_refused("X25519 key zero", lambda: Client(spoil=lambda q: q[:KEY] + bytes(32)))
    is_refused("X25519 key one", lambda: Client(spoil=lambda q: q[:KEY] + b"\1" + bytes(31)))


@claim
def messages_out_of_order_are_refused():
    class Odd(Client):
        def __init__(self, act):
            self.act = act
            super().__init__()

        def exchange_keys(self, theirs=None):
            self.send(self.kexinit())
            while self.receive_packet()[0] != KEXINIT:
                pass
            self.make_keys(HYBRID)
            self.act(self)
            while True:
                self.receive_packet()

    def message(client):
        return byte(KEX_ECDH_INIT) + string(client.public)

    for what, act in {
        "bytes after the keys": lambda c: c.send(message(c) + b"\0"),
        "a length of 2^32 - 1": lambda c: c.send(byte(KEX_ECDH_INIT) + b"\xff" * 4 + c.public),
        "no string": lambda c: c.send(byte(KEX_ECDH_INIT)),
        "keys twice": lambda c: c.send(message(c), message(c)),
        "NEWKEYS instead of keys": lambda c: c.send(byte(NEWKEYS)),
        "the reply's number": lambda c: c.send(byte(KEX_ECDH_REPLY) + string(c.public)),
        "a second KEXINIT": lambda c: c.send(c.kexinit()),
        "IGNORE, keys and NEWKEYS, where strict key exchange has only keys":
            lambda c: c.send(byte(IGNORE) + string(b""), message(c), byte(NEWKEYS)),
    }.items():
        is_refused(what, lambda: Odd(act))


main()
