"""Searches the memory of the daemon's processes for what must not be there: host keys, and passwords."""

import glob
import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from claims import claim, main
from rawssh import *
from processes import descendants


def needles():
    """Private numbers, as they are in files and as libcrypto stores them; any 24 bytes of one are enough."""
    for path in glob.glob(f"{os.environ['DIRECTORY']}/host?"):
        with open(path, "rb") as file:
            key = serialization.load_ssh_private_key(file.read(), None)
        if isinstance(key, ed25519.Ed25519PrivateKey):
            raw = serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
            values = [("ed25519 seed", key.private_bytes(*raw))]
        else:
            numbers = key.private_numbers()
            kind, names = ("rsa", ["d", "p", "q"]) if isinstance(key, rsa.RSAPrivateKey) else ("ecdsa", ["private_value"])
            values = []
            for name in names:
                number = getattr(numbers, name)
                values.append((f"{kind} {name}", number.to_bytes((number.bit_length() + 7) // 8, "big")))
        for name, value in values:
            for form in (value, value[::-1]):
                yield name, form[:24]
                yield name, form[-24:]


def memory(pid):
    """All memory that the process can read or write."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as content:
        for line in maps:
            fields = line.split()
            if fields[1][0] != "r" or fields[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            start, end = (int(part, 16) for part in fields[0].split("-"))
            content.seek(start)
            try:
                yield content.read(end - start)
            except OSError:
                pass


def found(pid, wanted):
    return {name for block in memory(pid) for name, needle in wanted if needle in block}


def roles():
    """The daemon's processes by the name of their program."""
    result = {}
    for pid, name in descendants(int(os.environ["GUARDIAN"])):
        result.setdefault(name, []).append(pid)
    return result


@claim
def private_keys():
    wanted = list(needles())
    assert len(wanted) >= 4 * 5, wanted
    processes = roles()
    # The control: an authority has them.
    for name in ("ed25519 seed", "rsa p", "ecdsa private_value"):
        assert any(name in found(pid, wanted) for pid in processes["bssh-authority"]), name
    assert len(processes["bssh-transport"]) >= 3, processes
    for role in ("bssh-transport", "bssh-session"):
        for pid in processes[role]:
            assert not found(pid, wanted), (role, pid, found(pid, wanted))


def by_password(peer, user, password):
    peer.send(peer.request(user, "password", boolean(False) + string(password)))
    return peer.receive()[0]


def by_prompt(peer, user, password):
    peer.send(peer.request(user, "keyboard-interactive", string("") + string("")))
    peer.expect(USERAUTH_INFO_REQUEST)
    peer.send(byte(USERAUTH_INFO_RESPONSE) + uint32(1) + string(password))
    return peer.receive()[0]


def parts(name, password):
    """Eight bytes identify it: from the beginning, the middle and the end."""
    middle = len(password) // 2
    for part in (password[:8], password[middle - 4 : middle + 4], password[-8:]):
        yield f"{name}: {part!r}", part


@claim
def passwords():
    """No copy of a password, right or wrong, is left in any process while the connections that sent it live.

    Somebody is already logged in, with other clients and ciphers, with the right one.
    """
    user, right = os.environ["LOGIN"], os.environ["PASSWORD"].encode()
    wanted, peers = list(parts("right", right)), []
    for number, ask in enumerate([by_password, by_prompt]):
        for length in [24, 300, 4000]:
            wrong = os.urandom(length // 2).hex().encode()
            wanted += parts(f"wrong, {ask.__name__}, {length}", wrong)
            for name in [user, "nosuchuser"]:
                peer = Peer()
                peer.request_service()
                assert ask(peer, name, wrong) == USERAUTH_FAILURE
                if name == user and length == 24:
                    assert ask(peer, name, right) == USERAUTH_SUCCESS
                    peer.open_channel().execute("cat")
                peers.append(peer)
    processes = roles()
    # The control: names are found where the program stores them.
    assert all(found(pid, [("name", user.encode())]) for role in ("bssh-supervisor", "bssh-authority")
               for pid in processes[role])
    checked = 0
    for role, pids in processes.items():
        if not role.startswith("bssh-"):
            continue
        for pid in pids:
            checked += 1
            left = found(pid, wanted)
            assert not left, f"{role} {pid}: {sorted(left)}"
    assert checked >= 1 + 2 + len(peers) + 4, processes
    assert {"bssh-supervisor", "bssh-authority", "bssh-transport", "bssh-session"} <= set(processes), processes


main()
