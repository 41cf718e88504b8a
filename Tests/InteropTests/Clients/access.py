"""Clients from several addresses of 127.0.0.0/8, and whether they are admitted at all.

SOURCE is the address that a claim is about, ATTEMPTS the value of security.max_auth_attempts."""

import os
import resource
import select
import threading
import time

from claims import claim, main
from rawssh import *

SOURCE = os.environ["SOURCE"]
OTHER = "127.0.0.99"
ATTEMPTS = int(os.environ.get("ATTEMPTS", "3"))


def is_welcome(source=SOURCE):
    """True if the server sends its identification; false if it closes the connection without a byte."""
    try:
        peer = Peer(handshake=False, source=source)
        first = peer.read_raw(4)
    except (Disconnected, ConnectionResetError):
        return False
    peer.socket.close()
    assert first == b"SSH-", first
    return True


def until(condition, patience=15):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it does not become so"
        pause(0.02)


def pause(seconds):
    select.select([], [], [], seconds)


def is_closed(peer):
    """Waits until the server closes the connection, ignoring what it sends before."""
    try:
        while peer.read_raw(1):
            pass
    except (Disconnected, ConnectionResetError):
        return True


def asking(source=SOURCE):
    """A peer that can attempt to log in."""
    peer = Peer(source=source)
    peer.request_service()
    return peer


def fail_with_password(peer=None):
    """Tries a wrong password; returns the reply, or nothing if the server disconnects instead."""
    peer = peer or asking()
    try:
        return peer.try_password("wrong horse")[0]
    except Disconnected:
        return None


def corrupt_signature(peer):
    request = peer.sign(os.environ["LOGIN"], Key.load())
    return request[:-1] + bytes([request[-1] ^ 1])


def fail_with_signature():
    peer = asking()
    peer.send(corrupt_signature(peer))
    try:
        return peer.receive()[0]
    except Disconnected:
        return None


def leave_without_login():
    at_prompt(SOURCE).socket.close()


def exactly(fail):
    """This many failures, and no fewer, cause a ban."""
    for _ in range(ATTEMPTS - 1):
        assert fail() == USERAUTH_FAILURE
    assert is_welcome()
    assert fail() in (USERAUTH_FAILURE, None)
    assert not is_welcome()
    assert is_welcome(OTHER)


@claim
def refused():
    assert not is_welcome()


@claim
def welcome():
    assert is_welcome()


@claim
def wrong_passwords():
    exactly(fail_with_password)


@claim
def bad_signatures():
    exactly(fail_with_signature)


@claim
def connections_without_a_login():
    for _ in range(ATTEMPTS):
        assert is_welcome()
        leave_without_login()
    until(lambda: not is_welcome())


def offer_keys(count=1, peer=None, signed=False):
    """A connection as ssh-copy-id makes one for each key: asks for the methods, offers unlisted keys, and leaves."""
    peer = peer or asking()
    user = os.environ["LOGIN"]
    peer.send(peer.request(user, "none"))
    peer.expect(USERAUTH_FAILURE)
    for _ in range(count):
        key = Key.ed25519()
        rest = boolean(False) + string(key.algorithm) + string(key.blob)
        peer.send(peer.sign(user, key) if signed else peer.request(user, "publickey", rest))
        peer.expect(USERAUTH_FAILURE)
    return peer


@claim
def refused_keys():
    """Every one of ATTEMPTS connections that offered nothing but keys is needed for a ban."""
    for number in range(ATTEMPTS):
        assert is_welcome()
        offer_keys(1 + number % 3, signed=number % 2 == 1).socket.close()
    until(lambda: not is_welcome())
    assert is_welcome(OTHER)


@claim
def an_office():
    """Six keys of an agent, twice, with a login in between: no ban; one guess more than passwords may have causes
    one."""
    for _ in range(2):
        for _ in range(6):
            offer_keys().socket.close()
        assert Peer().login().open_channel().execute("echo in").output()[0] == b"in\n"
    assert is_welcome()


@claim
def keys_and_then_a_guess():
    """A client that tries a password or its prompt after keys is counted as usual."""
    for _ in range(ATTEMPTS):
        assert is_welcome()
        peer = offer_keys()
        peer.send(peer.request(os.environ["LOGIN"], "keyboard-interactive", string("") + string("")))
        peer.receive()
        peer.socket.close()
    until(lambda: not is_welcome())


@claim
def broken_connections():
    for _ in range(ATTEMPTS):
        peer = Peer(handshake=False)
        peer.send_raw(b"GET / HTTP/1.1\r\n\r\n" * 30)
        assert is_closed(peer)
    until(lambda: not is_welcome())


@claim
def silent_connections():
    peers = [Peer(handshake=False) for _ in range(ATTEMPTS)]
    assert all(is_closed(peer) for peer in peers)
    until(lambda: not is_welcome())


@claim
def looks_at_the_server():
    """A client that leaves before it requests authentication has not failed."""
    for _ in range(3 * ATTEMPTS):
        Peer(handshake=False).socket.close()
        assert is_welcome()
        peer = Peer(handshake=False)
        peer.identify()
        peer.socket.close()
        Peer().socket.close()
        reset = Peer(handshake=False)
        reset.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.socket.close()
    # All of them have ended when one more has come and gone.
    Peer().login().socket.close()
    assert is_welcome()


@claim
def keys_that_are_not_listed():
    """Keys of an agent do not count, offered or signed; but the number of offers is limited."""
    peer = asking()
    user = os.environ["LOGIN"]
    for number in range(20):
        key = Key.ed25519()
        peer.send(peer.request(user, "publickey", boolean(False) + string(key.algorithm) + string(key.blob)))
        peer.expect(USERAUTH_FAILURE)
    for _ in range(4):
        peer.send(peer.sign(user, Key.ed25519()))
        peer.expect(USERAUTH_FAILURE)
    peer.send(peer.sign(user, Key.load()))
    peer.expect(USERAUTH_SUCCESS)
    assert is_welcome()


@claim
def one_key_too_many():
    peer = asking()
    for number in range(21):
        key = Key.ed25519()
        rest = boolean(False) + string(key.algorithm) + string(key.blob)
        peer.send(peer.request(os.environ["LOGIN"], "publickey", rest))
        if number < 20:
            peer.expect(USERAUTH_FAILURE)
    assert peer.expect_disconnect().reason == 2


@claim
def slips_before_a_login():
    """A client that knows the password in the end has not guessed it."""
    for _ in range(3):
        peer = asking()
        for _ in range(ATTEMPTS - 1):
            assert fail_with_password(peer) == USERAUTH_FAILURE
        assert peer.try_password(os.environ["PASSWORD"])[0] == USERAUTH_SUCCESS
        peer.socket.close()
    assert is_welcome()


@claim
def guesses_beside_a_login():
    """A login does not cancel failures of other connections."""
    for _ in range(ATTEMPTS - 1):
        fail_with_password()
    Peer().login()
    fail_with_password()
    assert not is_welcome()


@claim
def open_connections_end():
    """A ban ends connections without a login, and logins continue."""
    inside = Peer().login()
    silent, waiting, elsewhere = Peer(handshake=False), asking(), asking(OTHER)
    silent.read_raw(1)
    for _ in range(ATTEMPTS):
        fail_with_password()
    assert waiting.expect_disconnect().reason == 11
    assert is_closed(silent)
    assert not is_welcome()
    assert inside.open_channel().execute("echo in").output()[0] == b"in\n"
    elsewhere.send(elsewhere.sign(os.environ["LOGIN"], Key.load()))
    elsewhere.expect(USERAUTH_SUCCESS)


@claim
def failures_without_a_ban():
    for _ in range(3 * ATTEMPTS):
        assert fail_with_password() == USERAUTH_FAILURE
    assert is_welcome()


@claim
def failures_that_are_long_ago():
    """With a window of a second, single failures cause no ban."""
    for _ in range(3):
        assert fail_with_password() == USERAUTH_FAILURE
        pause(1.2)
    assert is_welcome()


@claim
def burst():
    """Five connections at once, then one each second."""
    assert [is_welcome() for _ in range(8)] == [True] * 5 + [False] * 3
    assert is_welcome(OTHER)
    until(is_welcome)
    assert not is_welcome()


@claim
def no_rate():
    assert all(is_welcome() for _ in range(30))


def idle(source, count):
    """Opens this many connections that send nothing; returns those that the server keeps."""
    peers = [Peer(handshake=False, source=source) for _ in range(count)]
    kept = []
    for peer in peers:
        try:
            peer.buffer = peer.read_raw(4) + peer.buffer
            kept.append(peer)
        except (Disconnected, ConnectionResetError):
            pass
    return kept


@claim
def two_hundred_idle_connections():
    kept = idle(SOURCE, 200)
    assert len(kept) == 32, len(kept)
    for _ in range(10):
        assert Peer(source=OTHER).login().open_channel().execute("echo in").output()[0] == b"in\n"
    kept.pop().socket.close()
    until(lambda: len(idle(SOURCE, 1)) == 1)


def at_prompt(source):
    """A peer that has requested authentication, like one whose user types a password."""
    peer = asking(source)
    peer.send(peer.request(os.environ["LOGIN"], "none"))
    peer.expect(USERAUTH_FAILURE)
    return peer


def logs_in(peer):
    return peer.try_password(os.environ["PASSWORD"])[0] == USERAUTH_SUCCESS


@claim
def limit_in_all():
    """Four in all, each typing a password; a login frees a place, and so does an end."""
    kept = [at_prompt(f"127.0.{number}.1") for number in range(1, 5)]
    assert not is_welcome()
    kept.pop().socket.close()
    until(is_welcome)
    kept.append(at_prompt("127.0.4.1"))
    assert not is_welcome()
    assert logs_in(kept[0])
    until(is_welcome)
    assert all(logs_in(peer) for peer in kept[1:])


class Crowd:
    """Connections that send nothing, COUNT of each of SOURCES; they reconnect at once if `persists`."""

    def __init__(self, sources, count, persists=False):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        self.persists, self.ended, self.again = persists, False, 0
        self.poll, self.members = select.poll(), {}
        for _ in range(count):
            for source in sources:
                self.connect(source)
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        for member, _ in self.members.values():
            member.close()

    def connect(self, source):
        member = socket.socket()
        member.bind((source, 0))
        member.connect(("127.0.0.1", int(os.environ["PORT"])))
        member.setblocking(False)
        self.members[member.fileno()] = (member, source)
        self.poll.register(member, select.POLLIN)

    def watch(self):
        while not self.ended:
            for number, _ in self.poll.poll(50):
                member, source = self.members[number]
                try:
                    if member.recv(4096):
                        continue
                except ConnectionResetError:
                    pass
                self.poll.unregister(number)
                del self.members[number]
                member.close()
                if self.persists:
                    self.again += 1
                    self.connect(source)


CROWD = [f"127.{network}.{number}.1" for network in (1, 2) for number in range(50)]


def logins(count=20):
    good = 0
    for _ in range(count):
        try:
            good += Peer(source=OTHER).login().open_channel().execute("echo in").output()[0] == b"in\n"
        except (Disconnected, ConnectionResetError, BrokenPipeError):
            pass
    return good


@claim
def crowd():
    """1,000 of 100 sources."""
    with Crowd(CROWD, 10):
        assert (good := logins()) == 20, good


@claim
def crowd_that_persists():
    with Crowd(CROWD, 10, persists=True) as crowd:
        assert (good := logins()) >= 19, good
        print(crowd.again, "connected again")


@claim
def crowd_of_the_next_door():
    """All of them, and the newcomer, in one /24."""
    with Crowd([f"127.0.0.{number}" for number in range(100, 200)], 10, persists=True):
        assert (good := logins()) >= 19, good


@claim
def crowd_at_the_prompt():
    """Clients that only requested authentication: 40 of one network, which fill the server."""
    kept = [at_prompt(f"127.1.1.{number}") for number in range(1, 41)]
    assert (good := logins()) == 20, good
    del kept


@claim
def nobody_at_a_prompt_makes_room():
    """A server with ten places: three clients of one source type their passwords, and seven send nothing; then all
    ten type."""
    typists = [at_prompt("127.0.3.1") for _ in range(3)]
    with Crowd([f"127.0.{number}.1" for number in range(10, 17)], 1, persists=True):
        until(lambda: is_welcome("127.0.20.1"))
        newcomers = [at_prompt(f"127.0.{number}.1") for number in range(30, 37)]
        assert not is_welcome("127.0.40.1")
    assert all(logs_in(peer) for peer in typists + newcomers)


@claim
def full_house():
    """Eight connections, three of them logins: a new source gets the place of an idle one, and not that of a login."""
    inside = [Peer(source=OTHER).login() for _ in range(3)]
    with Crowd([f"127.0.{number}.1" for number in range(1, 6)], 1):
        for _ in range(5):
            inside.append(Peer(source=OTHER).login())
        assert not is_welcome()
    for peer in inside:
        assert peer.open_channel().execute("echo in").output()[0] == b"in\n"


@claim
def places_of_one_source():
    """PLACES, and no more; another source has as many."""
    places = int(os.environ["PLACES"])
    for source in (SOURCE, OTHER):
        kept = idle(source, places + 3)
        assert len(kept) == places, len(kept)


@claim
def password_flood():
    """Passwords of one source wait for each other, and another's is verified after those that are being verified."""
    flood, good = [at_prompt(SOURCE) for _ in range(24)], at_prompt(OTHER)
    request = good.request(os.environ["LOGIN"], "password", boolean(False) + string(os.environ["PASSWORD"]))
    wrong = good.request(os.environ["LOGIN"], "password", boolean(False) + string("wrong horse"))
    for peer in flood:
        peer.send(wrong)
    good.send(request)
    answered, waiting = 0, {peer.socket: peer for peer in flood}
    while True:
        ready_sockets = select.select([good.socket, *waiting], [], [], 30)[0]
        assert ready_sockets
        if good.socket in ready_sockets:
            break
        for one in ready_sockets:
            waiting.pop(one).expect(USERAUTH_FAILURE)
            answered += 1
    good.expect(USERAUTH_SUCCESS)
    # Two authorities hash at a time, and one more may have finished in between.
    assert answered <= 4, answered
    for peer in waiting.values():
        peer.expect(USERAUTH_FAILURE)


main()
