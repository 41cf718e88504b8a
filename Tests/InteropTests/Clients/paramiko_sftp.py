"""Paramiko's SFTP client."""

import hashlib
import os

from claims import claim, main
from paramiko_login import connect


@claim
def prefetch():
    data = os.urandom(1 << 20) * 50
    sftp = connect().open_sftp()
    with sftp.open("large", "wb") as file:
        file.set_pipelined(True)
        file.write(data)
    with sftp.open("large", "rb") as file:
        file.prefetch(len(data))
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
    assert sftp.stat("large").st_size == len(data)


@claim
def tree():
    sftp = connect().open_sftp()
    sftp.mkdir("tree")
    for number in range(300):
        with sftp.open(f"tree/{number}", "w") as file:
            file.write(str(number))
    assert sorted(sftp.listdir("tree"), key=int) == [str(number) for number in range(300)]
    sftp.posix_rename("tree/1", "tree/2")
    assert sftp.open("tree/2").read() == b"1"
    sftp.symlink("2", "tree/link")
    assert sftp.readlink("tree/link") == "2"
    sftp.chmod("tree/2", 0o604)
    assert sftp.stat("tree/link").st_mode & 0o7777 == 0o604
    sftp.utime("tree/2", (1000, 2000))
    assert sftp.stat("tree/2").st_mtime == 2000
    try:
        sftp.rename("tree/2", "tree/3")
    except OSError:
        pass
    else:
        raise AssertionError("rename replaced a file")
    for name in sftp.listdir("tree"):
        sftp.remove(f"tree/{name}")
    sftp.rmdir("tree")


@claim
def too_large():
    with connect().open_sftp() as sftp, sftp.open("large", "w") as file:
        for change in (lambda: file.write(bytes((1 << 20) + 1)), lambda: file.truncate((1 << 20) + 1)):
            try:
                change()
            except OSError as error:
                assert "File too large" in str(error), error
            else:
                raise AssertionError("there is no limit")


@claim
def five_handles():
    sftp = connect().open_sftp()
    files = [sftp.open(f"file{number}", "w") for number in range(5)]
    try:
        sftp.open("one more", "w")
    except OSError as error:
        assert "5" in str(error), error
    else:
        raise AssertionError("a sixth was opened")
    files[0].close()
    sftp.open("one more", "w").close()


main()
