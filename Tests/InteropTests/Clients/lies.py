"""False messages that a transport could send, through lying_transport.py to the real supervisor."""

import base64
import os
import socket
import time

from claims import claim, main
from rawssh import Key
from wire import *

SIGN, NEGOTIATED, AUTHENTICATE, INFORMATION, PROVE, CLOSED = 1, 2, 3, 4, 5, 9
SIGNATURE, AUTHENTICATION, PROOFS, DISCONNECT = 2, 3, 4, 5
SUCCESS, FAILURE, ACCEPTABLE = 1, 2, 3
USER = os.environ["LOGIN"]


class Liar:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 15)
        self.lines = self.socket.makefile("r")

    def tell(self, message, over="control"):
        self.socket.sendall(f"{over} {message.hex()}\n".encode())

    def hear(self):
        """The sender and the message, with the number of descriptors; None if the supervisor has ended the
        transport."""
        try:
            line = self.lines.readline()
        except ConnectionResetError:
            return None
        if not line or line == "gone\n":
            return None
        who, what, count = line.split()
        return who, None if what == "gone" else bytes.fromhex(what), int(count)

    def sign(self, digest=None):
        """Requests a host key's signature, which makes `digest` the session identifier if it is the first."""
        self.tell(byte(SIGN) + string(host_key()) + string("ssh-ed25519") + string(digest or os.urandom(32)))
        answer = self.hear()
        return answer and Reader(answer[1][1:])

    def negotiate(self):
        self.tell(byte(NEGOTIATED) + string("liar") + string("curve25519-sha256") + string("none") * 2)

    def authenticate(self, request):
        self.tell(byte(AUTHENTICATE) + string(request))
        answer = self.hear()
        assert answer and answer[1][0] == AUTHENTICATION, answer
        return answer[1][1], answer[2]

    def ended(self):
        """Everything until the supervisor ends it; none of it accepts a login."""
        while (answer := self.hear()) is not None:
            who, message, descriptors = answer
            assert descriptors == 0, answer
            assert who != "session"
            if message is None:
                return
            assert message[:2] != bytes([AUTHENTICATION, SUCCESS]), answer


def host_key():
    with open(f"{os.environ['DIRECTORY']}/host0.pub") as file:
        return base64.b64decode(file.read().split()[1])


def request(key, session_id, user=USER, sign=True):
    """The payload of a USERAUTH_REQUEST after its message number."""
    start = string(user) + string("ssh-connection") + string("publickey") + boolean(True)
    start += string(key.algorithm) + string(key.blob)
    return start + string(key.sign(string(session_id) + byte(50) + start))


def logged_in():
    liar, digest = Liar(), os.urandom(32)
    liar.sign(digest)
    liar.negotiate()
    outcome, descriptors = liar.authenticate(request(Key.load(), digest))
    assert (outcome, descriptors) == (SUCCESS, 1), (outcome, descriptors)
    return liar


@claim
def true_story():
    """The control: sent truthfully, the same messages do log in."""
    liar = logged_in()
    # request(channel 0, execute "id -u")
    liar.tell(byte(1) + uint32(0) + byte(4) + string("echo in"), over="session")
    who, message, descriptors = liar.hear()
    assert who == "session" and descriptors == 3, (who, message, descriptors)


@claim
def login_without_a_signature():
    liar, digest = Liar(), os.urandom(32)
    liar.sign(digest)
    liar.negotiate()
    probe = string(USER) + string("ssh-connection") + string("publickey") + boolean(True)
    key = Key.load()
    forged = probe + string("ssh-ed25519") + string(key.blob) + string(string("ssh-ed25519") + string(os.urandom(64)))
    assert liar.authenticate(forged)[0] == FAILURE


@claim
def signature_for_another_session():
    """A signature that a user really made, but for a session identifier that the supervisor did not see signed
    first."""
    liar, first, second = Liar(), os.urandom(32), os.urandom(32)
    liar.sign(first)
    liar.negotiate()
    liar.sign(second)
    assert liar.authenticate(request(Key.load(), second)) == (FAILURE, 0)
    assert liar.authenticate(request(Key.load(), os.urandom(32))) == (FAILURE, 0)


@claim
def login_before_a_key_exchange():
    liar = Liar()
    liar.tell(byte(AUTHENTICATE) + string(request(Key.load(), b"\0" * 32)))
    liar.ended()


@claim
def another_users_name():
    """A valid signature, with a user name that was changed afterwards."""
    liar, digest = Liar(), os.urandom(32)
    liar.sign(digest)
    liar.negotiate()
    good = request(Key.load(), digest, user=USER)
    forged = string("root") + good[len(string(USER)) :]
    assert liar.authenticate(forged)[0] == FAILURE


@claim
def forged_messages():
    """Messages that only others may send, or nobody."""
    for message in [byte(number) + body for number in (0, 2, 6, 10, 77, 255) for body in (b"", b"\1", b"\1" * 64)]:
        liar = Liar()
        liar.sign()
        liar.tell(message)
        liar.ended()


@claim
def endless_lengths():
    for number in (SIGN, NEGOTIATED, AUTHENTICATE, INFORMATION, PROVE, CLOSED):
        liar = Liar()
        liar.sign()
        liar.tell(byte(number) + b"\xff\xff\xff\xff" + b"x" * 100)
        liar.ended()


@claim
def descriptor_with_a_message():
    """There is no way to send a descriptor; the connection continues without it."""
    liar = Liar()
    liar.tell(byte(SIGN) + string(host_key()) + string("ssh-ed25519") + string(os.urandom(32)), over="descriptor")
    assert liar.lines.readline() == "gone\n"
    assert liar.sign().boolean()


@claim
def thousand_signatures():
    """Signatures over hashes of its choice are limited: a hundred at once, and then ten a second."""
    liar, count = Liar(), 0
    liar.sign()
    liar.negotiate()
    started = time.monotonic()
    while count < 1000 and time.monotonic() - started < 3:
        answer = liar.sign()
        if answer is None or answer.raw(1) == b"\0":
            break
        count += 1
    assert 50 < count < 250, count


@claim
def signatures_of_unknown_keys():
    liar = Liar()
    liar.tell(byte(SIGN) + string(Key.ed25519().blob) + string("ssh-ed25519") + string(os.urandom(32)))
    answer = liar.hear()
    assert answer is None or answer[1] in (None, bytes([SIGNATURE, 0])) or answer[1][0] == DISCONNECT, answer


@claim
def closed_and_then_more():
    liar, digest = Liar(), os.urandom(32)
    liar.sign(digest)
    liar.negotiate()
    liar.tell(byte(CLOSED) + byte(6) + string("") + uint64(0) + uint64(0))
    liar.tell(byte(AUTHENTICATE) + string(request(Key.load(), digest)))
    liar.ended()


@claim
def garbage_for_the_session():
    """After a true login: this session ends, and no other."""
    for garbage in [b"\0", b"\xff" * 1000, byte(1) + uint32(0), byte(1) + uint32(0) + byte(4) + b"\xff\xff\xff\xff",
                    byte(2) + uint32(99)]:
        liar = logged_in()
        liar.tell(garbage, over="session")
        liar.socket.close()


def open_forward(liar, channel, target):
    """The session's answer to a forward: its message, and the number of descriptors."""
    liar.tell(byte(3) + uint32(channel) + target + string("192.0.2.1") + uint32(5), over="session")
    answer = liar.hear()
    assert answer and answer[0] == "session", answer
    return answer[1:]


def ends(liar):
    """The login ends, and no descriptor is given before."""
    while (answer := liar.hear()) is not None:
        assert answer[2] == 0, answer
        if answer[1] is None:
            return


@claim
def forwards_that_are_not_granted():
    """The session alone decides: it connects to $PERMITTED, and gives no descriptor for anything else."""
    permitted = int(os.environ["PERMITTED"])
    listener = socket.create_server(("127.0.0.1", permitted))
    other = socket.create_server(("127.0.0.1", 0))
    path = os.environ["DIRECTORY"] + "/unix"
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(path)
    unix.listen()
    os.chmod(path, 0o777)
    tcp = lambda host, port: byte(1) + string(host) + uint32(port)
    liar = logged_in()
    targets = [
        tcp("127.0.0.1", other.getsockname()[1]), tcp("localhost", other.getsockname()[1]), tcp("::1", permitted),
        tcp("127.0.0.1", permitted + 65536), tcp("127.0.0.1\0.example", permitted), tcp("127.0.0.2", permitted),
        tcp("0.0.0.0", permitted), byte(2) + string(path), tcp("", permitted), tcp("x" * 1024, permitted),
    ]
    for channel, target in enumerate(targets):
        message, descriptors = open_forward(liar, channel, target)
        assert descriptors == 0 and message[0] == 8, (target, message, descriptors)
    for server in (other, unix, listener):
        server.setblocking(False)
        try:
            server.accept()
            raise AssertionError("somebody has connected")
        except BlockingIOError:
            pass
    # The control: what is granted is connected to.
    message, descriptors = open_forward(liar, 99, tcp("127.0.0.1", permitted))
    assert descriptors == 1 and message == byte(7) + uint32(99), (message, descriptors)
    # A number that is in use, and a target that is too long, end the login.
    liar.tell(byte(3) + uint32(99) + tcp("127.0.0.1", permitted) + string("") + uint32(0), over="session")
    ends(liar)
    liar = logged_in()
    liar.tell(byte(3) + uint32(0) + tcp("x" * 1025, permitted) + string("") + uint32(0), over="session")
    ends(liar)


@claim
def second_login():
    """After a login nobody else can be logged in, and nothing more is signed in a user's name."""
    liar = logged_in()
    liar.tell(byte(AUTHENTICATE) + string(request(Key.load(), b"\0" * 32, user="root")))
    while (answer := liar.hear()) is not None:
        assert answer[2] == 0, answer
        if answer[1] is None:
            break


main()
