"""The measurements: each function returns one figure of one server for one round."""

import os
import shutil
import subprocess
import threading
import time


def seconds(action):
    started = time.monotonic()
    action()
    return time.monotonic() - started


def login_time(server, scale):
    """Milliseconds of `ssh host true`, one after another."""
    return seconds(lambda: [server.run("true") for _ in range(scale.logins)]) / scale.logins * 1000


def login_rate(server, scale):
    """Logins per second, with eight clients at once."""
    left = list(range(scale.logins * 4))
    failures = []

    def work():
        while True:
            try:
                left.pop()
            except IndexError:
                return
            try:
                server.run("true")
            except SystemExit as failure:
                failures.append(failure)
                return

    def everyone():
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    count = len(left)
    rate = count / seconds(everyone)
    if failures:
        raise failures[0]
    return rate


def login_cpu(server, scale):
    """Milliseconds of processor time per login in the server: a run with logins minus a run without."""
    idle = server.start().stop()
    server.start()
    for _ in range(scale.logins):
        server.run("true")
    return (server.stop() - idle) / scale.logins * 1000


def download(cipher):
    """MB/s of a command's output, including the login."""
    def measure(server, scale):
        def work():
            server.run(f"head -c {scale.bytes} /dev/zero", cipher=cipher, stdout=subprocess.DEVNULL)
        return scale.bytes / seconds(work) / 1e6
    return measure


def upload(cipher):
    """MB/s of a command's input, including the login."""
    def measure(server, scale):
        def work():
            with subprocess.Popen(["head", "-c", str(scale.bytes), "/dev/zero"], stdout=subprocess.PIPE) as source:
                server.run("cat >/dev/null", cipher=cipher, stdin=source.stdout)
        return scale.bytes / seconds(work) / 1e6
    return measure


def tree_memory(server):
    """Memory of the server's processes in KB; shared pages count proportionally (PSS)."""
    total = 0
    for pid in server.processes():
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def settled_memory(server):
    """The memory of the tree once two measurements agree: no processes are starting or ending."""
    before = -1
    for _ in range(100):
        now = tree_memory(server)
        if abs(now - before) <= 8:
            return now
        before = now
        time.sleep(0.1)
    return server.fail("does not come to rest")


def private_libraries(folder):
    """Copies of the client's libraries: with them, no page of the server is shared with a client on this machine."""
    path = f"{folder}/libraries"
    if not os.path.isdir(path):
        os.mkdir(path)
        for line in subprocess.run(
                ["ldd", shutil.which("ssh")], check=True, capture_output=True, text=True).stdout.splitlines():
            words = line.split()
            if len(words) > 2 and words[1] == "=>" and os.path.isfile(words[2]):
                shutil.copy(words[2], path)
    return path


def session_memory(server, scale):
    """KB that an idle session on a terminal adds to the server's processes, including the command."""
    environment = dict(os.environ, LD_LIBRARY_PATH=private_libraries(server.folder))
    server.start()
    idle = settled_memory(server)
    clients = []
    try:
        for _ in range(scale.sessions):
            client = subprocess.Popen(
                server.command("echo ready; exec cat", "-tt"), env=environment, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE)
            clients.append(client)
            if b"ready" not in client.stdout.readline():
                server.fail("no session")
        return (settled_memory(server) - idle) / scale.sessions
    finally:
        for client in clients:
            client.kill()
        for client in clients:
            client.communicate()
        server.stop()
