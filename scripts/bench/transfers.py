"""The SFTP measurements: each function returns one figure of one server for one round.

Files are in memory (tmpfs), so that no disk is measured; both servers read and write the same ones.
"""

import os
import shutil
import subprocess

from measures import seconds

# Batches of the client that end with this wait for the end of their standard input, while the server's process still
# runs.
PAUSE = "!echo paused; cat >/dev/null"
# An upload consists of this many equal parts that overwrite one another: the host of a virtual machine takes arbitrary
# time to provide a whole new GB of memory.
PARTS = 16
PROGRAMS = ("bssh-transfer", "sftp-server")


def prepare(folder, user, scale):
    """Creates the files to transfer, and a directory in which the account can write."""
    with open(f"{folder}/large", "wb") as file:
        for _ in range(scale.bytes >> 20):
            file.write(bytes(1 << 20))
    with open(f"{folder}/part", "wb") as file:
        for _ in range(scale.bytes // PARTS >> 20):
            file.write(bytes(1 << 20))
    for name, count, size in (("small", scale.files, 4096), ("list", scale.entries, 0)):
        os.mkdir(f"{folder}/{name}")
        for number in range(count):
            with open(f"{folder}/{name}/file-{number:05}", "wb") as file:
                file.write(bytes(size))
    os.mkdir(f"{folder}/target")
    shutil.chown(f"{folder}/target", user)


def command(server, batch, *options, cipher=None):
    """The command line of sftp(1) with the same settings as ssh(1) of all other measurements."""
    words = server.command("sftp", "-s", **({"cipher": cipher} if cipher else {}))
    path = f"{server.folder}/batch"
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in batch))
    # -D splits at blanks, which none of these words contains.
    return ["sftp", "-q", *options, "-b", path, "-D", " ".join(words)]


def transfer(server, *batch, cipher=None):
    """Runs a batch; a failure ends the benchmark."""
    run = subprocess.run(
        command(server, batch, cipher=cipher), check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if run.returncode != 0:
        server.fail(f"sftp {batch!r} exited with {run.returncode}")


def emptied(path):
    """An existing empty folder, with the owner that it had."""
    for name in os.listdir(path):
        entry = f"{path}/{name}"
        shutil.rmtree(entry) if os.path.isdir(entry) else os.remove(entry)
    return path


def puts(server, target):
    return [f"put {server.data}/part {target}/part"] * PARTS


def download(cipher):
    """MB/s of one large file, including the login."""
    def measure(server, scale):
        return scale.bytes / seconds(
            lambda: transfer(server, f"get {server.data}/large /dev/null", cipher=cipher)) / 1e6
    return measure


def upload(cipher):
    """MB/s of sixteen files, one after another, including the login."""
    def measure(server, scale):
        target = emptied(f"{server.data}/target")
        rate = scale.bytes / seconds(lambda: transfer(server, *puts(server, target), cipher=cipher)) / 1e6
        emptied(target)
        return rate
    return measure


def small_download(server, scale):
    """Files of 4 KiB per second, one after another, including the login."""
    target = f"{server.folder}/received"
    shutil.rmtree(target, ignore_errors=True)
    rate = scale.files / seconds(lambda: transfer(server, f"get -r {server.data}/small {target}"))
    if len(os.listdir(target)) != scale.files:
        server.fail("did not send every file")
    shutil.rmtree(target)
    return rate


def small_upload(server, scale):
    """Files of 4 KiB per second, one after another, including the login."""
    target = emptied(f"{server.data}/target")
    rate = scale.files / seconds(lambda: transfer(server, f"put -r {server.data}/small {target}/"))
    if len(os.listdir(f"{target}/small")) != scale.files:
        server.fail("did not take every file")
    emptied(target)
    return rate


def listing(server, scale):
    """Thousands of entries per second: one directory read five times in a session, including the login."""
    times = 5
    return times * scale.entries / seconds(
        lambda: transfer(server, *[f"ls -1f {server.data}/list"] * times)) / 1000


def cpu(server, scale):
    """Milliseconds of the server's processor time per GB, half down and half up, minus a run without transfers."""
    idle = server.start().stop()
    target = emptied(f"{server.data}/target")
    server.start()
    transfer(server, f"get {server.data}/large /dev/null", *puts(server, target))
    used = server.stop() - idle
    emptied(target)
    return used / (2 * scale.bytes / 1e9) * 1000


def peak(pid):
    """The peak memory of this process in KB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def name(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def memory(server, _scale):
    """Peak memory in KB of the process that serves SFTP: 2,000 outstanding requests, down and up."""
    target = emptied(f"{server.data}/target")
    batch = [f"get {server.data}/large /dev/null", *puts(server, target), PAUSE]
    with subprocess.Popen(
            command(server, batch, "-R", "2000"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        if not any(line.strip() == b"paused" for line in client.stdout):
            server.fail("no transfer")
        peaks = [peak(pid) for pid in server.processes() if name(pid) in PROGRAMS]
        client.communicate()
    emptied(target)
    if len(peaks) != 1:
        server.fail("not one process serves SFTP")
    return peaks[0]
