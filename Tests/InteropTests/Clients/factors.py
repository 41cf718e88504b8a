"""Logins with several steps; the daemon requires a key and then a password, unless a claim says otherwise."""

import asyncio
import os
import time

from claims import claim, main
from rawssh import *

USER = os.environ["LOGIN"]
PASSWORD = os.environ.get("PASSWORD", "")


def connect():
    peer = Peer()
    peer.request_service()
    return peer


def password(peer, text, user=USER):
    return peer.request(user, "password", boolean(False) + string(text))


def failure(peer, message):
    """The methods that can continue after a failed request, and whether it was a partial success."""
    peer.send(message)
    reply = peer.expect(USERAUTH_FAILURE)
    return reply.text().split(","), reply.boolean()


@claim
def partial_success_names_what_can_continue():
    """RFC 4252, section 5.1: the flag is for the request that succeeded, and the methods are the remaining ones."""
    peer = connect()
    assert failure(peer, peer.request(USER, "none")) == (["publickey"], False)
    assert failure(peer, peer.sign(USER, Key.load())) == (["password", "keyboard-interactive"], True)
    assert failure(peer, password(peer, "wrong horse")) == (["password", "keyboard-interactive"], False)
    peer.send(password(peer, PASSWORD))
    peer.expect(USERAUTH_SUCCESS)
    assert peer.open_channel().execute("echo in").output()[0] == b"in\n"


@claim
def steps_out_of_order_are_refused():
    peer = connect()
    assert failure(peer, password(peer, PASSWORD)) == (["publickey"], False)
    assert failure(peer, peer.request(USER, "keyboard-interactive", string("") * 2)) == (["publickey"], False)
    assert failure(peer, peer.sign(USER, Key.load())) == (["password", "keyboard-interactive"], True)
    assert failure(peer, peer.sign(USER, Key.load())) == (["password", "keyboard-interactive"], False)
    # A channel before the last step ends the connection.
    peer.send(byte(CHANNEL_OPEN) + string("session") + uint32(0) + uint32(2**20) + uint32(32768))
    peer.expect_disconnect()


@claim
def unknown_users_walk_the_same_steps():
    """With a key that nobody can log in with, known and unknown users get the same replies, whatever they try."""

    def heard(user):
        peer, key = connect(), Key.ed25519()
        probe = peer.request(user, "publickey") + boolean(False) + string("ssh-ed25519") + string(key.blob)
        messages = [peer.request(user, "none"), probe, peer.sign(user, key), password(peer, PASSWORD, user),
                    peer.request(user, "keyboard-interactive", string("") * 2), peer.sign(user, key)]
        return [failure(peer, message) for message in messages]

    known = heard(USER)
    assert known == heard("nosuchuser")
    assert known == [(["publickey"], False)] * len(known), known


@claim
def failures_count_over_all_steps():
    peer = connect()
    for _ in range(3):
        failure(peer, peer.sign(USER, Key.ed25519()))
    assert failure(peer, peer.sign(USER, Key.load()))[1]
    for _ in range(2):
        assert not failure(peer, password(peer, "wrong horse"))[1]
    peer.send(password(peer, "wrong horse"))
    peer.expect_disconnect()


@claim
def the_same_key_does_not_count_twice():
    """[[publickey, publickey]]: the same key is neither accepted as an offer nor with a signature again."""
    key = Key.load()
    peer = connect()
    assert failure(peer, peer.sign(USER, key)) == (["publickey"], True)
    probe = peer.request(USER, "publickey") + boolean(False) + string("ssh-ed25519") + string(key.blob)
    assert failure(peer, probe) == (["publickey"], False)
    assert failure(peer, peer.sign(USER, key)) == (["publickey"], False)


# Codes


def ask(peer, user=USER):
    """The prompt for a code."""
    peer.send(peer.request(user, "keyboard-interactive", string("") * 2))
    question = peer.expect(USERAUTH_INFO_REQUEST)
    name, instruction, language = question.text(), question.text(), question.text()
    assert (name, instruction, language, question.uint32()) == ("", "", "", 1)
    prompt = question.text()
    assert not question.boolean(), "the code would be shown"
    return prompt


def give(peer, code):
    peer.send(byte(USERAUTH_INFO_RESPONSE) + uint32(1) + string(code))


@claim
def one_code_is_one_login():
    """Eight connections, all with a request before the first reply; several authorities verify at the same time."""
    peers = [connect() for _ in range(8)]
    for peer in peers:
        assert failure(peer, peer.sign(USER, Key.load())) == (["keyboard-interactive"], True)
        assert ask(peer) == "Verification code: "
    for peer in peers:
        give(peer, os.environ["CODE"])
    replies = [peer.receive()[0] for peer in peers]
    assert sorted(replies) == [USERAUTH_FAILURE] * 7 + [USERAUTH_SUCCESS], replies


@claim
def codes_of_anybody_fail_alike():
    """The same prompts and replies, and none before the minimum time of a reply."""

    def heard(user):
        peer = connect()
        seen = [failure(peer, peer.request(user, "none"))]
        for code in ["000000", "", "no code at all", "0" * 4096]:
            seen.append(ask(peer, user))
            started = time.perf_counter()
            give(peer, code)
            reply = peer.expect(USERAUTH_FAILURE)
            assert time.perf_counter() - started > 0.095
            seen.append((reply.text(), reply.boolean()))
        return seen

    known = heard(USER)
    assert known[1:3] == ["Verification code: ", ("keyboard-interactive", False)], known
    assert known == heard(os.environ["SECOND"]) == heard("nosuchuser")


@claim
def ten_wrong_codes():
    """Five each on two connections, since six failures end one."""
    for _ in range(2):
        peer = connect()
        assert failure(peer, peer.sign(USER, Key.load()))[1]
        for _ in range(5):
            ask(peer)
            give(peer, "000000")
            assert peer.expect(USERAUTH_FAILURE).text() == "keyboard-interactive"


# Commonly used clients


@claim
def paramiko_gives_key_and_code():
    import paramiko

    def log_in(code):
        transport = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
        transport.start_client()
        assert transport.auth_publickey(USER, paramiko.Ed25519Key(filename=os.environ["KEY"])) == [
            "keyboard-interactive"]
        asked = []

        def answer(title, instructions, prompts):
            asked.extend(prompts)
            return [code] * len(prompts)

        try:
            assert transport.auth_interactive(USER, answer) == []
            assert asked == [("Verification code: ", False)], asked
            return transport.is_authenticated()
        finally:
            transport.close()

    assert log_in(os.environ["CODE"])
    for code in ["000000", os.environ["CODE"]]:
        try:
            log_in(code)
        except paramiko.AuthenticationException:
            continue
        raise AssertionError(f"logged in with {code}")


@claim
def asyncssh_gives_key_and_code():
    import asyncssh

    class Client(asyncssh.SSHClient):
        def __init__(self, code):
            self.code = code

        def kbdint_auth_requested(self):
            return ""

        def kbdint_challenge_received(self, name, instructions, lang, prompts):
            assert prompts in ([], [("Verification code: ", False)]), prompts
            return [self.code for _ in prompts]

    async def output(code):
        async with asyncssh.connect(
            "127.0.0.1", int(os.environ["PORT"]), username=USER, agent_path=None, config=None,
            client_keys=[os.environ["KEY"]], known_hosts=f"{os.environ['DIRECTORY']}/known_hosts",
            client_factory=lambda: Client(code),
        ) as connection:
            return (await connection.run("echo in")).stdout

    assert asyncio.run(output(os.environ["CODE"])) == "in\n"
    # It gives the same response again until the server refuses further attempts.
    for code in ["000000", os.environ["CODE"]]:
        try:
            asyncio.run(output(code))
        except asyncssh.DisconnectError:
            continue
        raise AssertionError(f"logged in with {code}")


@claim
def paramiko_gives_key_and_password():
    import paramiko

    def client(**more):
        client = paramiko.SSHClient()
        client.load_host_keys(f"{os.environ['DIRECTORY']}/known_hosts")
        client.connect("127.0.0.1", int(os.environ["PORT"]), USER, allow_agent=False, look_for_keys=False, **more)
        return client

    with client(key_filename=os.environ["KEY"], password=PASSWORD) as good:
        assert good.exec_command("echo in")[1].read() == b"in\n"
    for wrong in [{"password": PASSWORD}, {"key_filename": os.environ["KEY"]},
                  {"key_filename": os.environ["KEY"], "password": "wrong"}]:
        try:
            client(**wrong)
        except paramiko.SSHException:
            continue
        raise AssertionError(f"logged in with {wrong}")
    transport = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
    transport.start_client()
    assert transport.auth_publickey(USER, paramiko.Ed25519Key(filename=os.environ["KEY"])) == ["password"]
    assert not transport.is_authenticated()
    assert transport.auth_password(USER, PASSWORD) == []
    assert transport.is_authenticated()
    transport.close()


@claim
def asyncssh_gives_key_and_password():
    import asyncssh

    async def output(**more):
        async with asyncssh.connect(
            "127.0.0.1", int(os.environ["PORT"]), username=USER, agent_path=None, config=None,
            known_hosts=f"{os.environ['DIRECTORY']}/known_hosts", **more,
        ) as connection:
            return (await connection.run("echo in")).stdout

    key = [os.environ["KEY"]]
    assert asyncio.run(output(client_keys=key, password=PASSWORD)) == "in\n"
    for wrong in [{"client_keys": None, "password": PASSWORD}, {"client_keys": key},
                  {"client_keys": key, "password": "wrong"}]:
        try:
            asyncio.run(output(**wrong))
        except asyncssh.PermissionDenied:
            continue
        raise AssertionError(f"logged in with {wrong}")


main()
