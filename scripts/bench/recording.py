"""Recordings of terminals: the cost of a recorded terminal, compared with one that is not."""

import os
import shutil
import subprocess
import tempfile

from measures import seconds
import servers

# Typical long output on a terminal: a build and a log, with some colours and some letters beyond ASCII.
LINES = (
    "[12/345] Compiling something of a longer name, as builds have them: src/module/File.c -O2 -Wall -Wextra -fPIC\n"
    "2026-11-21T20:37:17.123Z worker[4711]: request /srv/files/2026/report.pdf took 12 ms, 123456 bytes, status 200\n"
    "\x1b[01;31merror:\x1b[0m \"größe\" is not declared in this scope\n"
    "-rw-r--r-- 1 anna staff 123456 Nov 21 20:37 archive-of-2026-11-21.tar.gz\n"
).encode()


def ratio(program):
    """Output per second of a recorded terminal, relative to that of one that is not, including the login."""
    def measure(server, scale):
        # On a disk, where real recordings are; the benchmark's own folder is in memory.
        folder = tempfile.mkdtemp(prefix="bssh-bench-recording.", dir="/var/tmp")
        os.chmod(folder, 0o755)
        source = f"{server.data}/terminal"
        with open(source, "wb") as file:
            file.write(LINES * (scale.bytes // 4 // len(LINES)))
        plain, recorded = (
            servers.Ours(
                f"{server.name}-{name}", server.folder, server.data, server.user, executables=server.executables,
                audit=keys)
            for name, keys in (("plain", ""), ("recorded", f"recording: {{enabled: true, directory: {folder}/r}}")))
        try:
            # The second half of the round in the opposite order.
            turns = [plain, recorded, recorded, plain]
            taken = {plain.name: 0.0, recorded.name: 0.0}
            for each in (plain, recorded):
                each.start()
            for each in turns:
                taken[each.name] += seconds(lambda: each.run(f"{program} {source}", "-tt", stdout=subprocess.DEVNULL))
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
    return measure
