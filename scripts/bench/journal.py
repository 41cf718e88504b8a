"""The journal alone: events are sent to bssh-journal as the supervisor sends them, one batch after the other."""

import shutil
import socket
import struct
import subprocess
import tempfile
import time

BATCH = 100


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def optional(value, write):
    return b"\0" if value is None else b"\1" + write(value)


def number(value):
    return struct.pack(">Q", value)


def small(value):
    return struct.pack(">I", value)


def event(index):
    """An upload in a login, as Sources/Libraries/Audit encodes it."""
    subject = optional(b"", lambda _: number(1) + number(2)) + b"".join(
        optional(value, text) for value in (
            "anna", "192.0.2.7", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3", "publickey",
            "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU")) + optional(50000, small) + optional(17, number)
    fact = text("file_uploaded") + text("success") + optional("sftp", text)
    fact += optional(f"/srv/uploads/2026/a directory/file number {index}.tar.gz", text) + optional(None, text) * 2
    fact += optional(None, text) * 4
    fact += optional(123456789, number) + optional(1234, number) + optional(123456789, number) + optional(0, number)
    fact += optional(3, small) + optional(None, small)
    return number(index) + number(index) + number(1_795_207_037_123_456) + text("server.example.org") + subject + fact + b"\1"


def rate(server, scale):
    """Events per second that are written with the default settings: chained, synced, rotated, compressed."""
    # On a disk, where a real journal is; the benchmark's own folder is in memory.
    folder = tempfile.mkdtemp(prefix="bssh-bench-journal.", dir="/var/tmp")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    # The journal has its socket as descriptor 3.
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$0" 3<&{theirs.fileno()}', f"{server.executables}/bssh-journal"],
        pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    theirs.close()
    try:
        ours.send(b"\1" + text(f"{folder}/audit.log") + small(0o600) + number(100 << 20) + small(5) + b"\1"
                  + text("interval") + small(5))
        bodies = [
            small(BATCH) + b"".join(text(event(batch * BATCH + index)) for index in range(BATCH)) for batch in range(50)]
        started = time.monotonic()
        for batch in range(1, scale.events // BATCH + 1):
            ours.send(b"\3" + number(batch) + b"\0" + bodies[batch % len(bodies)])
            if ours.recv(2048) != b"\2" + number(batch):
                server.fail("the journal does not write")
        return scale.events / (time.monotonic() - started)
    finally:
        ours.close()
        process.wait(30)
        shutil.rmtree(folder)
