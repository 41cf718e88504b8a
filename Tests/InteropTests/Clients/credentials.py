"""The credentials that clients offer, valid and invalid."""

import hashlib
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa, utils

from claims import claim, main
from rawssh import *

USER = os.environ["LOGIN"]


def rsa_key(bits):
    private = rsa.generate_private_key(65537, bits)
    numbers = private.public_key().public_numbers()
    digests = {"ssh-rsa": hashes.SHA1(), "rsa-sha2-256": hashes.SHA256(), "rsa-sha2-512": hashes.SHA512()}

    def sign(data, algorithm):
        return string(algorithm) + string(private.sign(data, padding.PKCS1v15(), digests[algorithm]))

    return Key("rsa-sha2-512", string("ssh-rsa") + mpint(numbers.e) + mpint(numbers.n), sign)


def dss_key():
    private = dsa.generate_private_key(1024)
    public = private.public_key().public_numbers()
    group = public.parameter_numbers

    def sign(data, algorithm):
        r, s = utils.decode_dss_signature(private.sign(data, hashes.SHA1()))
        return string(algorithm) + string(r.to_bytes(20, "big") + s.to_bytes(20, "big"))

    blob = string("ssh-dss") + mpint(group.p) + mpint(group.q) + mpint(group.g) + mpint(public.y)
    return Key("ssh-dss", blob, sign)


def ecdsa_key(curve, name, digest):
    private = ec.generate_private_key(curve)
    kind = f"ecdsa-sha2-{name}"
    point = private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )

    def sign(data, algorithm):
        r, s = utils.decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
        return string(algorithm) + string(mpint(r) + mpint(s))

    return Key(kind, string(kind) + string(name) + string(point), sign)


def security_key(flags, kind="ed25519", application="ssh:", signed_flags=None, signed_application=None):
    """A key on a token, with the token's statement about touch; OpenSSH's PROTOCOL.u2f."""

    def signed(data):
        name = (signed_application or application).encode()
        said = flags if signed_flags is None else signed_flags
        return hashlib.sha256(name).digest() + bytes([said]) + struct.pack(">I", 7) + hashlib.sha256(data).digest()

    if kind == "ed25519":
        name = "sk-ssh-ed25519@openssh.com"
        private = ed25519.Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        blob = string(name) + string(public) + string(application)
        proof = lambda data: private.sign(signed(data))
    else:
        name = "sk-ecdsa-sha2-nistp256@openssh.com"
        private = ec.generate_private_key(ec.SECP256R1())
        point = private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        blob = string(name) + string("nistp256") + string(point) + string(application)

        def proof(data):
            r, s = utils.decode_dss_signature(private.sign(signed(data), ec.ECDSA(hashes.SHA256())))
            return mpint(r) + mpint(s)

    return Key(name, blob, lambda data, algorithm: string(algorithm) + string(proof(data)) + bytes([flags]) + uint32(7))


def connect():
    peer = Peer()
    peer.request_service()
    return peer


def refused(peer, *messages):
    """Each message gets a failure at once; then the same connection logs in with the valid key."""
    for message in messages:
        peer.send(message)
        reply = peer.expect(USERAUTH_FAILURE)
        assert "publickey" in reply.text()
        assert not reply.boolean()
    peer.send(peer.sign(USER, Key.load()))
    peer.expect(USERAUTH_SUCCESS)
    assert peer.open_channel().execute("echo in").output()[0] == b"in\n"


def only(*keys):
    authorize(Key.load(), *keys)


@claim
def corrupted_signature():
    peer = connect()
    message = bytearray(peer.sign(USER, Key.load()))
    message[-1] ^= 1
    refused(peer, bytes(message))


@claim
def signature_of_another_session():
    peer, other = connect(), connect()
    refused(peer, peer.sign(USER, Key.load(), session_id=other.session_id))


@claim
def signature_for_another_user():
    peer = connect()
    good = peer.sign("nobody", Key.load())
    start = len(peer.request("nobody", "publickey"))
    refused(peer, peer.request(USER, "publickey") + good[start:])


@claim
def signature_of_another_algorithm():
    """The request names one algorithm, the signature another."""
    key = rsa_key(2048)
    only(key)
    peer = connect()
    start = peer.request(USER, "publickey") + boolean(True) + string("rsa-sha2-512") + string(key.blob)
    refused(peer, start + string(key.sign(string(peer.session_id) + start, "rsa-sha2-256")))


@claim
def rsa_with_sha1():
    key = rsa_key(2048)
    only(key)
    peer = connect()
    refused(peer, peer.sign(USER, key, "ssh-rsa"))


@claim
def rsa_with_sha2():
    for algorithm in ["rsa-sha2-256", "rsa-sha2-512"]:
        key = rsa_key(2048)
        only(key)
        peer = connect()
        peer.send(peer.sign(USER, key, algorithm))
        peer.expect(USERAUTH_SUCCESS)


@claim
def small_rsa_key():
    key = rsa_key(1024)
    only(key)
    peer = connect()
    probe = peer.request(USER, "publickey") + boolean(False) + string("rsa-sha2-256") + string(key.blob)
    refused(peer, probe, peer.sign(USER, key, "rsa-sha2-256"))


@claim
def dss():
    key = dss_key()
    only(key)
    peer = connect()
    probe = peer.request(USER, "publickey") + boolean(False) + string("ssh-dss") + string(key.blob)
    refused(peer, probe, peer.sign(USER, key))


@claim
def unknown_key_type():
    blob = string("ssh-nothing@example.org") + string("key")
    key = Key("ssh-nothing@example.org", blob, lambda data, name: string(name) + string("signature"))
    peer = connect()
    probe = peer.request(USER, "publickey") + boolean(False) + string(key.algorithm) + string(blob)
    refused(peer, probe, peer.sign(USER, key))


@claim
def malformed_key_blobs():
    good = Key.load()
    blobs = [b"", b"\0\0\0", string("ssh-ed25519"), good.blob[:-1], good.blob + b"x", string("ssh-ed25519") + string("")]
    for blob in blobs:
        peer = connect()
        key = Key("ssh-ed25519", blob, lambda data, name: good.sign(data))
        refused(peer, peer.request(USER, "publickey") + boolean(False) + string("ssh-ed25519") + string(blob),
                peer.sign(USER, key))


@claim
def malformed_signatures():
    good = Key.load()
    for signature in [b"", b"\0\0\0\x0b", string("ssh-ed25519"), string("ssh-ed25519") + string("short"),
                      string("ssh-ed25519") + string(b"\0" * 64) + b"more", string("ecdsa-sha2-nistp256") + string("")]:
        peer = connect()
        key = Key("ssh-ed25519", good.blob, lambda data, name: signature)
        refused(peer, peer.sign(USER, key))


@claim
def every_curve():
    curves = [
        (ec.SECP256R1(), "nistp256", hashes.SHA256()),
        (ec.SECP384R1(), "nistp384", hashes.SHA384()),
        (ec.SECP521R1(), "nistp521", hashes.SHA512()),
    ]
    for curve in curves:
        key = ecdsa_key(*curve)
        only(key)
        peer = connect()
        message = bytearray(peer.sign(USER, key))
        message[-1] ^= 1
        peer.send(bytes(message))
        peer.expect(USERAUTH_FAILURE)
        peer.send(peer.sign(USER, key))
        peer.expect(USERAUTH_SUCCESS)


@claim
def security_key_with_touch():
    """Flag 1: user presence; flag 4: user verification."""
    for kind in ["ed25519", "ecdsa"]:
        for flags in [1, 5]:
            key = security_key(flags, kind)
            only(key)
            peer = connect()
            peer.send(peer.sign(USER, key))
            peer.expect(USERAUTH_SUCCESS)


@claim
def security_key_without_touch():
    for kind in ["ed25519", "ecdsa"]:
        for flags in [0, 4]:
            key = security_key(flags, kind)
            only(key)
            peer = connect()
            refused(peer, peer.sign(USER, key))


@claim
def security_key_with_forged_flags():
    """The token said that nobody touched it; the client claims the opposite."""
    for kind in ["ed25519", "ecdsa"]:
        key = security_key(1, kind, signed_flags=0)
        only(key)
        peer = connect()
        refused(peer, peer.sign(USER, key))


@claim
def security_key_for_another_application():
    key = security_key(1, application="ssh:", signed_application="https://example.org")
    only(key)
    peer = connect()
    refused(peer, peer.sign(USER, key))


@claim
def gssapi():
    """Answered with a failure; no Kerberos code runs, so no process opens a file of Kerberos."""
    peer = connect()
    krb5 = bytes.fromhex("06092a864886f712010202")
    refused(peer, peer.request(USER, "gssapi-with-mic", uint32(1) + string(krb5)))


@claim
def gssapi_messages_out_of_turn():
    peer = connect()
    try:
        peer.send(byte(61) + string(b"token"), byte(66) + string(b"mic"))
        peer.send(byte(CHANNEL_OPEN) + string("session") + uint32(0) + uint32(2**20) + uint32(32768))
        while True:
            assert peer.receive()[0] not in (USERAUTH_SUCCESS, CHANNEL_OPEN_CONFIRMATION)
    except (Disconnected, BrokenPipeError, ConnectionResetError):
        pass


@claim
def unknown_methods():
    peer = connect()
    refused(peer, peer.request(USER, "none"), peer.request(USER, "hostbased", string("x") * 4),
            peer.request(USER, "nonsense@example.org", b"\0" * 100))


@claim
def methods_that_are_offered():
    peer = connect()
    peer.send(peer.request(USER, "none"))
    print(peer.expect(USERAUTH_FAILURE).text())


@claim
def change_of_user():
    peer = connect()
    peer.send(peer.request(USER, "none"))
    peer.expect(USERAUTH_FAILURE)
    peer.send(peer.sign("root", Key.load()))
    end = peer.expect_disconnect()
    assert end.reason == 2, end


@claim
def wrong_service_in_request():
    peer = connect()
    peer.send(peer.request(USER, "none", service="ssh-nothing"))
    peer.expect_disconnect()


def until_the_end(peer, messages):
    """How many got a failure before the connection was closed."""
    count = 0
    try:
        for message in messages:
            peer.send(message)
            peer.expect(USERAUTH_FAILURE)
            count += 1
    except (Disconnected, BrokenPipeError, ConnectionResetError):
        return count, True
    return count, False


@claim
def twenty_five_keys():
    """Keys that are only offered are many for one user: the connection ends, but the sixth key still logs in."""
    peer = connect()
    others = [Key.ed25519() for _ in range(25)]
    probes = [peer.request(USER, "publickey") + boolean(False) + string("ssh-ed25519") + string(key.blob)
              for key in others]
    count, ended = until_the_end(peer, probes)
    assert ended and 5 <= count < 25, (count, ended)
    peer = connect()
    for probe in probes[:5]:
        peer.send(probe)
        peer.expect(USERAUTH_FAILURE)
    peer.send(peer.sign(USER, Key.load()))
    peer.expect(USERAUTH_SUCCESS)


@claim
def seven_passwords():
    peer = connect()
    guesses = [peer.request(USER, "password", boolean(False) + string(f"wrong horse {number}")) for number in range(7)]
    count, ended = until_the_end(peer, guesses)
    assert ended and 3 <= count < 7, (count, ended)


@claim
def right_password():
    peer = connect()
    reply = peer.try_password("wrong horse")
    assert reply[0] == USERAUTH_FAILURE, reply
    reply = peer.try_password(os.environ["PASSWORD"])
    assert reply[0] == USERAUTH_SUCCESS, reply


@claim
def empty_and_endless_passwords():
    """Up to 4,096 bytes are a password; more is a malformed request."""
    for password in [b"", b"x" * 4096, b"\0" * 8, b"\xff\xfe"]:
        peer = connect()
        reply = peer.try_password(password)
        assert reply[0] == USERAUTH_FAILURE, reply
        assert peer.try_password(os.environ["PASSWORD"])[0] == USERAUTH_SUCCESS
    peer = connect()
    peer.send(peer.request(USER, "password", boolean(False) + string(b"x" * 30000)))
    peer.expect_disconnect()


@claim
def keyboard_interactive():
    def ask(answers):
        peer.send(peer.request(USER, "keyboard-interactive", string("") + string("")))
        question = peer.expect(USERAUTH_INFO_REQUEST)
        question.text(), question.text(), question.text()
        assert question.uint32() == 1
        question.text()
        assert not question.boolean(), "the password would be shown"
        peer.send(byte(USERAUTH_INFO_RESPONSE) + uint32(len(answers)) + b"".join(map(string, answers)))
        return peer.receive()[0]

    peer = connect()
    assert ask(["wrong"]) == USERAUTH_FAILURE
    assert ask([os.environ["PASSWORD"]]) == USERAUTH_SUCCESS
    for answers in [[], ["a", "b"]]:
        peer = connect()
        try:
            assert ask(answers) == USERAUTH_FAILURE
        except Disconnected:
            pass


@claim
def answers_that_nobody_asked_for():
    peer = connect()
    peer.send(byte(USERAUTH_INFO_RESPONSE) + uint32(1) + string(os.environ["PASSWORD"]))
    try:
        assert peer.receive()[0] in (USERAUTH_FAILURE, UNIMPLEMENTED)
    except Disconnected:
        pass


def answers_to(user, key=None, password="wrong horse"):
    """Everything that a client can observe about a user, and the time of each reply."""
    seen, times = [], []
    key = key or Key.ed25519()
    peer = connect()
    messages = [
        peer.request(user, "none"),
        peer.request(user, "publickey") + boolean(False) + string("ssh-ed25519") + string(key.blob),
        peer.sign(user, key),
        peer.request(user, "password", boolean(False) + string(password)),
    ]
    for message in messages:
        started = time.perf_counter()
        peer.send(message)
        seen.append(peer.receive())
        times.append(time.perf_counter() - started)
    return seen, times


@claim
def unknown_users_look_like_known_ones():
    same_answers(lambda: answers_to(USER), lambda: answers_to("nosuchuser"))


@claim
def refused_users_look_like_wrong_credentials():
    """A user who is refused by a rule sees with the right key and password what others see with wrong ones."""
    refused, password = os.environ["REFUSED"], os.environ["PASSWORD"]
    same_answers(lambda: answers_to(USER), lambda: answers_to(refused, Key.load(), password))


def same_answers(one, other, rounds=5):
    """The same replies; and times that a single measurement cannot distinguish: each is the least of several."""
    ones, others = [], []
    for _ in range(rounds):
        ones.append(one())
        others.append(other())
    assert [seen for seen, _ in ones] == [seen for seen, _ in others]
    for step in range(len(ones[0][1])):
        a = min(times[step] for _, times in ones)
        b = min(times[step] for _, times in others)
        print(f"{step}: {a * 1000:.2f} ms, {b * 1000:.2f} ms")
        assert max(a, b) < 3 * min(a, b) + 0.004, f"request {step}: {a * 1000:.2f} ms, {b * 1000:.2f} ms"


@claim
def names_of_users():
    """Invalid user names."""
    for user in ["", "x" * 5000, "../../etc/passwd", "a\0b", "%h", "-rf", "a/b", "\n", "tester ", "{user}", "~root"]:
        peer = connect()
        peer.send(peer.sign(user, Key.load()))
        try:
            assert peer.receive()[0] == USERAUTH_FAILURE
        except Disconnected:
            pass


@claim
def many_pending_requests():
    """Pipelined requests are answered one after the other; RFC 4252, section 5.1."""
    peer = connect()
    probe = peer.request(USER, "publickey") + boolean(False) + string("ssh-ed25519")
    peer.send(probe + string(Key.ed25519().blob), peer.sign(USER, Key.load()))
    reply = peer.receive()
    if reply[0] == USERAUTH_FAILURE:
        reply = peer.receive()
    assert reply[0] == USERAUTH_SUCCESS, reply


@claim
def algorithms_for_signatures():
    peer = Peer().login()
    peer.open_channel()
    names = peer.extensions["server-sig-algs"].decode().split(",")
    assert "ssh-rsa" not in names and "ssh-dss" not in names
    assert {"ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512", "sk-ssh-ed25519@openssh.com"} <= set(names), names


@claim
def identification():
    assert Peer(handshake=False).read_raw(33) == b"SSH-2.0-OpenSSH_compatible_bssh\r\n"


main()
