"""Looks for the private parts of the host keys in the memory of the daemon's processes."""

import glob
import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from claims import claim, main
from processes import descendants


def needles():
    """Private numbers, as they are written and as libcrypto holds them; any 24 bytes of one are enough."""
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
    """Everything that the process can read or write."""
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


def found(pid):
    wanted = list(needles())
    assert len(wanted) >= 4 * 5, wanted
    return {name for block in memory(pid) for name, needle in wanted if needle in block}


@claim
def private_keys():
    roles = {}
    for pid, name in descendants(int(os.environ["GUARDIAN"])):
        roles.setdefault(name, []).append(pid)
    # The control: an authority has them.
    for name in ("ed25519 seed", "rsa p", "ecdsa private_value"):
        assert any(name in found(pid) for pid in roles["bssh-authority"]), name
    assert len(roles["bssh-transport"]) >= 3, roles
    for role in ("bssh-transport", "bssh-session"):
        for pid in roles[role]:
            assert not found(pid), (role, pid, found(pid))


main()
