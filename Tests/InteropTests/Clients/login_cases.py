"""Odd authentication requests: RFC 4252. The password of $LOGIN is $PASSWORD."""

import os

from claims import claim, main
from rawssh import *

LOGIN, PASSWORD = os.environ["LOGIN"], os.environ.get("PASSWORD", "")


def beginning():
    peer = Peer()
    peer.request_service()
    return peer


def answer(peer, *requests):
    """The message numbers of the replies; None if the connection is closed instead."""
    peer.send(*requests)
    found = []
    for _ in requests:
        try:
            found.append(peer.receive()[0])
        except Disconnected:
            return found + [None]
    return found


def password(word, user=LOGIN):
    return lambda peer: peer.request(user, "password", boolean(False) + string(word))


def one(request):
    peer = beginning()
    return answer(peer, request(peer))[0]


@claim
def methods_that_are_not_there_fail():
    for method, rest in [
        ("none", b""), ("hostbased", b"".join(map(string, ["ssh-rsa", "x", "h", "u", "y"]))),
        ("telepathy@example.org", b""), ("gssapi-with-mic", uint32(1) + string(b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")),
    ]:
        assert one(lambda peer: peer.request(LOGIN, method, rest)) == USERAUTH_FAILURE, method
    # An empty method name or an unknown service ends the connection at most.
    assert one(lambda peer: peer.request(LOGIN, "")) in (USERAUTH_FAILURE, None)
    assert one(lambda peer: peer.request(LOGIN, "none", service="ssh-nothing")) in (USERAUTH_FAILURE, None)


@claim
def only_the_password_is_the_password():
    assert one(password(PASSWORD)) == USERAUTH_SUCCESS
    for word in ["", "wrong", PASSWORD + "\n", PASSWORD + " ", PASSWORD[:-1]]:
        assert one(password(word)) == USERAUTH_FAILURE, word
    for word in [PASSWORD + "\0x", "x" * 100_000]:
        assert one(password(word)) in (USERAUTH_FAILURE, None), word[:20]
    # A password change is never offered.
    change = lambda peer: peer.request(LOGIN, "password", boolean(True) + string(PASSWORD) + string("new"))
    assert one(change) == USERAUTH_FAILURE
    assert one(password(PASSWORD)) == USERAUTH_SUCCESS


@claim
def only_the_user_is_the_user():
    for name in [
        "DOMAIN\\" + LOGIN, LOGIN + "@example.org", LOGIN.upper(), " " + LOGIN, LOGIN + " ", "-x", "../etc", "ünï", "%s%n",
        "a/b",
    ]:
        assert one(password(PASSWORD, name)) == USERAUTH_FAILURE, name
    for name in [LOGIN + "\0", LOGIN + "\n", "x" * 300, "x" * 5000, ""]:
        assert one(password(PASSWORD, name)) in (USERAUTH_FAILURE, None), name[:20]


@claim
def requests_without_waiting_are_answered_in_order():
    key = Key.load()
    peer = beginning()
    offer = peer.request(LOGIN, "publickey", boolean(False) + string(key.algorithm) + string(key.blob))
    found = answer(peer, peer.request(LOGIN, "none"), offer, peer.sign(LOGIN, key))
    assert found == [USERAUTH_FAILURE, USERAUTH_PK_OK, USERAUTH_SUCCESS], found


@claim
def a_service_request_before_each_try():
    """As Paramiko sends it."""
    peer = beginning()
    for _ in range(3):
        peer.request_service()
        assert answer(peer, peer.sign(LOGIN, Key.ed25519())) == [USERAUTH_FAILURE]
    peer.request_service()
    assert answer(peer, peer.request(LOGIN, "password", boolean(False) + string("wrong"))) == [USERAUTH_FAILURE]
    peer.request_service()
    peer.login()
    assert peer.open_channel().execute("echo in").output()[0] == b"in\n"


@claim
def a_service_that_is_none_ends_the_connection():
    peer = Peer()
    peer.send(byte(SERVICE_REQUEST) + string("no-such-service"))
    peer.expect_disconnect()


# keyboard-interactive: RFC 4256


def asked(language="", submethods=""):
    peer = beginning()
    peer.send(peer.request(LOGIN, "keyboard-interactive", string(language) + string(submethods)))
    return peer, peer.expect(USERAUTH_INFO_REQUEST)


def response(*words):
    return byte(USERAUTH_INFO_RESPONSE) + uint32(len(words)) + b"".join(map(string, words))


@claim
def one_question_without_echo():
    for language, submethods in [("", ""), ("en-US,de", "pam"), ("", "pam,bsdauth,skey"), ("", "x" * 300)]:
        peer, question = asked(language, submethods)
        question.string(), question.string(), question.string()
        assert question.uint32() == 1 and question.string() and not question.boolean()
        assert answer(peer, response(PASSWORD)) == [USERAUTH_SUCCESS]


@claim
def other_answers_than_one():
    for words in [["no"], [""], [], [PASSWORD, "x"], ["x"] * 100]:
        peer, _ = asked()
        assert answer(peer, response(*words))[0] in (USERAUTH_FAILURE, None), words


@claim
def another_request_instead_of_an_answer():
    peer, _ = asked()
    assert answer(peer, password(PASSWORD)(peer)) == [USERAUTH_SUCCESS]
    peer, _ = asked()
    peer.send(peer.request(LOGIN, "keyboard-interactive", string("") + string("")))
    peer.expect(USERAUTH_INFO_REQUEST, USERAUTH_FAILURE)


main()
