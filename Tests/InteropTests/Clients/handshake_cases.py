"""The first bytes of clients: identification lines, guessed packets, and what is not SSH at all."""

import os
import time

from claims import claim, main
from rawssh import *

CURVE = "curve25519-sha256"
HYBRID = "mlkem768x25519-sha256"


class Beginner(Peer):
    """A client that has sent nothing yet."""

    def __init__(self):
        super().__init__(handshake=False)


def alive():
    return Peer().login().open_channel().execute("echo alive").output()[0] == b"alive\n"


# Guessed packets


def kexinit(methods, guesses, host_keys="ssh-ed25519"):
    lists = [methods, host_keys] + ["aes128-ctr"] * 2 + ["hmac-sha2-256"] * 2 + ["none"] * 2 + [""] * 2
    return byte(KEXINIT) + os.urandom(16) + b"".join(map(string, lists)) + boolean(guesses) + uint32(0)


def share():
    return byte(KEX_ECDH_INIT) + string(os.urandom(32))


def exchange(*messages, then=None):
    """Sends messages after the identification, and a valid one when the server has sent its own KEXINIT; the server
    must reply, and take new keys into use."""
    peer = Beginner()
    peer.identify()
    peer.send(*messages)
    assert peer.receive_packet()[0] == KEXINIT
    if then:
        peer.send(then)
    reply = peer.receive_packet()
    assert reply[0] == KEX_ECDH_REPLY, reply[:80]
    assert peer.receive_packet()[0] == NEWKEYS


def first_methods():
    peer = Beginner()
    peer.identify()
    reader = Reader(peer.receive_packet()[17:])
    return [reader.text().split(",")[0] for _ in range(2)]


@claim
def no_guess():
    exchange(kexinit(CURVE, False), then=share())


@claim
def a_right_guess_is_taken():
    """Its method and host key are the first of both sides."""
    method, host_key = first_methods()
    assert method == HYBRID, method
    # Coefficients zero, any seed of the matrix, any X25519 key.
    keys = byte(KEX_ECDH_INIT) + string(bytes(1152) + os.urandom(32 + 32))
    exchange(kexinit(HYBRID, True, host_key), keys)


@claim
def wrong_guesses_are_passed_over():
    """Also those for methods that the server does not know: new clients guess new ones."""
    # A power of the group's generator, since others are not public keys; the message has the number of the curves'
    # message.
    power = byte(KEX_ECDH_INIT) + string(b"\1" + bytes(400))
    exchange(kexinit(f"diffie-hellman-group16-sha512,{CURVE}", True), share(), then=power)
    for method, size in [
        ("sntrup761x25519-sha512", 1190), ("mlkem768x25519-sha256-unknown", 1216), ("no-such@example.org", None),
        ("sntrup4591761x25519-sha512", 50),
    ]:
        guess = byte(KEX_ECDH_INIT) + (string(os.urandom(size)) if size else os.urandom(50))
        for more in ["", ",kexguess2@matt.ucc.asn.au", ",kex-strict-c-v00@openssh.com"]:
            exchange(kexinit(f"{method},{CURVE}{more}", True), guess, then=share())
    # The method is right, the host key is not.
    exchange(kexinit(CURVE, True, "ssh-dss,ssh-ed25519"), share(), then=share())


# Identification lines


def connect(line, pieces=False):
    """A whole key exchange with a client that identifies itself as `line`, whose bytes are part of what is signed."""
    peer = Beginner()
    peer.client_id = line.rstrip(b"\r\n")
    if pieces:
        for number in line:
            peer.send_raw(bytes([number]))
            time.sleep(0.001)
    else:
        peer.send_raw(line)
    peer.hear_identification()
    peer.exchange_keys()


@claim
def identifications_of_real_clients():
    for line in [
        b"SSH-2.0-x\r\n", b"SSH-2.0-x\n", b"SSH-2.0-OpenSSH_3.4p1 Debian 1:3.4p1-1\r\n", b"SSH-2.0-JSCH-0.1.54\r\n",
        b"SSH-2.0-PuTTY_Release_0.60\r\n", b"SSH-2.0-libssh2_1.4.3 PHP\r\n", b"SSH-2.0-WinSCP_release_5.1\r\n",
        b"SSH-2.0-Go\r\n", b"SSH-2.0-" + b"x" * 100 + b"\r\n", b"SSH-2.0-FileZilla_3.66.1\r\n",
        b"SSH-2.0-paramiko_1.7.7 (George)\r\n", b"SSH-2.0-Cisco-1.25\r\n", b"SSH-2.0-\xc3\xa4\r\n",
        b"SSH-2.0-a b c  d \r\n", b"SSH-2.0-SSH.NET.2023.0.1\r\n",
    ]:
        connect(line)
    connect(b"SSH-2.0-pieces\r\n", pieces=True)


@claim
def version_1_99_is_version_2():
    """RFC 4253, section 5.1: the identification of an old client that supports both versions."""
    connect(b"SSH-1.99-x\r\n")


@claim
def the_first_packet_may_come_with_the_identification():
    for pieces in [False, True]:
        peer = Beginner()
        data = b"SSH-2.0-together\r\n" + peer.pack(kexinit(CURVE, False)) + peer.pack(share())
        for part in ([bytes([number]) for number in data] if pieces else [data]):
            peer.send_raw(part)
        peer.hear_identification()
        assert [peer.receive_packet()[0] for _ in range(3)] == [KEXINIT, KEX_ECDH_REPLY, NEWKEYS]


@claim
def what_is_no_ssh_is_turned_away():
    for line in [
        b"hello\r\nSSH-2.0-x\r\n", b"SSH-1.5-x\r\n", b"SSH-2.0-" + b"x" * 300 + b"\r\n", b"ssh-2.0-x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", b"EHLO x\r\n", b"A" * 100_000,
    ]:
        peer, heard = Beginner(), []
        try:
            peer.send_raw(line + peer.pack(kexinit(CURVE, False)) + peer.pack(share()))
            peer.hear_identification()
            while True:
                heard.append(peer.receive_packet()[0])
        except (Disconnected, ConnectionError):
            pass
        assert KEX_ECDH_REPLY not in heard and NEWKEYS not in heard, line
    assert alive()


main()
