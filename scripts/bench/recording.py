"""Recordings of terminals: what a terminal that is recorded costs, beside one that is not."""

import os
import shutil
import subprocess
import tempfile

from measures import seconds
import servers

# What fills a terminal: a listing with colours, escapes and a few letters beyond ASCII.
LINES = (
    "drwxr-xr-x 2 anna staff   4096 Nov 21 20:37 \x1b[0m\x1b[01;34msources\x1b[0m\n"
    "-rw-r--r-- 1 anna staff 123456 Nov 21 20:37 a \"quoted\" name with\ttab.txt\n"
    "-rwxr-xr-x 1 anna staff   8192 Nov 21 20:37 \x1b[01;32mprüfung-größe.sh\x1b[0m\n"
    "[12/345] Compiling something of a longer name, as builds have them: src/module/File.c -O2 -Wall -Wextra\n"
).encode()


def ratio(server, scale):
    """Output per second of a terminal that is recorded, to that of one that is not, the login included."""
    # On a disk, where recordings are in earnest; the benchmark's own folder is in memory.
    folder = tempfile.mkdtemp(prefix="bssh-bench-recording.", dir="/var/tmp")
    os.chmod(folder, 0o755)
    source = f"{server.data}/terminal"
    with open(source, "wb") as file:
        file.write(LINES * (scale.bytes // 4 // len(LINES)))
    plain, recorded = (
        servers.Ours(
            f"{server.name}-{name}", server.folder, server.data, server.user, executables=server.executables, audit=keys)
        for name, keys in (("plain", ""), ("recorded", f"recording: {{enabled: true, directory: {folder}/r}}")))
    try:
        # The second half of the round in the other order.
        turns = [plain, recorded, recorded, plain]
        taken = {plain.name: 0.0, recorded.name: 0.0}
        for each in (plain, recorded):
            each.start()
        for each in turns:
            taken[each.name] += seconds(lambda: each.run(f"cat {source}", "-tt", stdout=subprocess.DEVNULL))
        sizes = [entry.stat().st_size for entry in os.scandir(f"{folder}/r")]
        if len(sizes) != 2 or min(sizes) < os.path.getsize(source):
            server.fail("did not record")
        return taken[plain.name] / taken[recorded.name]
    finally:
        for each in (plain, recorded):
            if each.process:
                each.stop()
        shutil.rmtree(folder)
        os.remove(source)
