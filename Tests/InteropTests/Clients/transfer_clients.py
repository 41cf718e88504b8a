"""Python clients for file transfer: Paramiko and AsyncSSH."""

import asyncio
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile

import asyncssh
from claims import claim, main
from paramiko_login import connect

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tree.py")
HOME = os.environ["USER_HOME"]


def tree(*arguments):
    return subprocess.run([sys.executable, TREE, *arguments], check=True, capture_output=True, text=True).stdout


def same(left, right, *what):
    left, right = tree("list", left, *what).splitlines(), tree("list", right, *what).splitlines()
    assert left == right, sorted(set(left) ^ set(right))


@claim
def paramiko_prefetch():
    data = os.urandom(1 << 20) * 64
    sftp = connect().open_sftp()
    steps = []
    status = sftp.putfo(io.BytesIO(data), "large", len(data), lambda *step: steps.append(step))
    assert status.st_size == len(data) and steps[-1] == (len(data), len(data))
    # getfo requests everything at once: 2,048 reads are outstanding.
    target = io.BytesIO()
    assert sftp.getfo("large", target) == len(data)
    assert hashlib.sha256(target.getvalue()).digest() == hashlib.sha256(data).digest()
    with sftp.open("large", "rb") as file:
        ranges = [(offset, 1000) for offset in range(0, len(data), 999_999)]
        for (offset, length), piece in zip(ranges, file.readv(ranges)):
            assert piece == data[offset : offset + length], offset
    sftp.remove("large")


@claim
def paramiko_tree():
    sftp = connect().open_sftp()
    sftp.mkdir("many")
    for number in range(100):
        with sftp.open(f"many/{number}", "wx") as file:
            file.write(b"x" * number)
    for number in range(100, 2000):
        with open(f"{HOME}/many/{number}", "wb") as file:
            file.write(b"x" * number)
    entries = sftp.listdir_attr("many")
    assert {entry.filename: entry.st_size for entry in entries} == {str(number): number for number in range(2000)}
    for entry in entries:
        status = os.lstat(f"{HOME}/many/{entry.filename}")
        assert (entry.st_mode, entry.st_uid, entry.st_gid, entry.st_mtime) == (
            status.st_mode, status.st_uid, status.st_gid, int(status.st_mtime)), entry
    assert len(list(sftp.listdir_iter("many"))) == 2000
    names = [b"new\nline", b"caf\xe9 \xff", b"it's \"quoted\" \\ *", "\N{SNOWMAN}".encode()]
    for name in names:
        with sftp.open(b"many/" + name, "w") as file:
            file.write(name)
        assert open(os.fsencode(HOME) + b"/many/" + name, "rb").read() == name
    sftp.chdir("many")
    assert sftp.getcwd() == sftp.normalize(".") == f"{HOME}/many"
    sftp.truncate("1", 10)
    sftp.utime("1", (1, 2))
    assert (sftp.stat("1").st_size, sftp.stat("1").st_atime, sftp.stat("1").st_mtime) == (10, 1, 2)
    with sftp.open("1", "a") as file:
        file.write("end")
    assert open(f"{HOME}/many/1", "rb").read() == b"x" + bytes(9) + b"end"
    for wrong, error in [("missing", FileNotFoundError), ("/root/../etc/shadow", PermissionError)]:
        try:
            sftp.open(wrong)
        except error:
            pass
        else:
            raise AssertionError(f"{wrong} was opened")


@claim
def paramiko_beyond_4_gib():
    sftp = connect().open_sftp()
    size = 10_000_000_000
    with sftp.open("huge", "w") as file:
        file.truncate(size)
        for offset in [(1 << 31) - 2, (1 << 32) - 2, 9_000_000_000]:
            file.seek(offset)
            file.write(b"mark")
    assert os.stat(f"{HOME}/huge").st_size == sftp.stat("huge").st_size == sftp.listdir_attr(".")[-1].st_size == size
    with sftp.open("huge") as file:
        for offset in [(1 << 31) - 2, (1 << 32) - 2, 9_000_000_000]:
            file.seek(offset - 2)
            assert file.read(8) == b"\0\0mark\0\0", offset
        file.seek(size - 3)
        assert file.read(100) == bytes(3)


def asynchronous(function):
    async def run():
        async with asyncssh.connect(
            "127.0.0.1", int(os.environ["PORT"]), username=os.environ["LOGIN"], client_keys=[os.environ["KEY"]],
            known_hosts=f"{os.environ['DIRECTORY']}/known_hosts", agent_path=None, config=None,
        ) as connection:
            await function(connection)

    def claimed():
        work = tempfile.mkdtemp(dir=os.environ["DIRECTORY"])
        previous = os.getcwd()
        os.chdir(work)
        try:
            asyncio.run(run())
        finally:
            os.chdir(previous)
            shutil.rmtree(work)

    claimed.__name__ = function.__name__
    return claim(claimed)


@asynchronous
async def asyncssh_sftp(connection):
    tree("make", "local", "odd", "newline", "bytes", "many")
    async with connection.start_sftp_client() as sftp:
        await sftp.put("local", "there", preserve=True, recurse=True)
        same("local", f"{HOME}/there", "modes", "times")
        await sftp.get("there", "back", preserve=True, recurse=True)
        same("local", "back", "modes", "times")
        assert sorted(await sftp.glob("there/many/19?")) == [f"there/many/{number}" for number in range(190, 200)]
        assert (await sftp.statvfs(".")).blocks > 0
        await sftp.link("there/one", "hard")
        await sftp.posix_rename("there/large", "there/block")
        assert os.stat(f"{HOME}/there/block").st_size == 3_000_001
        async with sftp.open("hard", "rb+") as file:
            await file.write(b"2", 1 << 33)
            await file.fsync()
            assert (await file.stat()).size == (1 << 33) + 1 and await file.read(3, (1 << 33) - 2) == b"\0\0002"
            assert (await file.statvfs()).blocks > 0
        assert os.stat(f"{HOME}/there/one").st_size == (1 << 33) + 1
        await sftp.rmtree("there")
        assert os.listdir(HOME).count("there") == 0


@asynchronous
async def asyncssh_scp(connection):
    tree("make", "local", "odd")
    await asyncssh.scp("local", (connection, "there"), preserve=True, recurse=True)
    same("local", f"{HOME}/there", "modes", "times", "directory-times")
    await asyncssh.scp((connection, "there"), "back", preserve=True, recurse=True)
    same("local", "back", "modes", "times", "directory-times")


main()
