"""SFTP version 3, one request after the other, as no library sends them: draft-ietf-secsh-filexfer-02."""

import contextlib
import os

from paramiko_login import connect
from wire import Reader, byte, string, uint32, uint64

OK, END, NO_SUCH_FILE, DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
READ, WRITE, APPEND, CREATE, TRUNCATE, EXCLUSIVE = 1, 2, 4, 8, 16, 32
SIZE, OWNER, MODE, TIMES, EXTENDED = 1, 2, 4, 8, 0x80000000
INIT, VERSION, STATUS, HANDLE, DATA, NAME, ATTRIBUTES, EXTENDED_REPLY = 1, 2, 101, 102, 103, 104, 105, 201


class Refused(Exception):
    """A request that was answered with a status other than OK."""

    def __init__(self, code):
        super().__init__(f"status {code}")
        self.code = code


@contextlib.contextmanager
def refused(*codes):
    """The requests inside must be answered with one of these statuses."""
    try:
        yield
    except Refused as refusal:
        assert refusal.code in codes, f"status {refusal.code} and not {codes}"
    else:
        raise AssertionError(f"answered with OK and not with {codes}")


def attributes(size=None, owner=None, mode=None, times=None):
    flags, body = 0, b""
    if size is not None:
        flags, body = flags | SIZE, body + uint64(size)
    if owner is not None:
        flags, body = flags | OWNER, body + uint32(owner[0]) + uint32(owner[1])
    if mode is not None:
        flags, body = flags | MODE, body + uint32(mode)
    if times is not None:
        flags, body = flags | TIMES, body + uint32(times[0]) + uint32(times[1])
    return uint32(flags) + body


class Status:
    """The ATTRS of a reply."""

    def __init__(self, reader):
        self.size = self.uid = self.gid = self.mode = self.atime = self.mtime = None
        flags = reader.uint32()
        if flags & SIZE:
            self.size = reader.uint64()
        if flags & OWNER:
            self.uid, self.gid = reader.uint32(), reader.uint32()
        if flags & MODE:
            self.mode = reader.uint32()
        if flags & TIMES:
            self.atime, self.mtime = reader.uint32(), reader.uint32()
        for _ in range(reader.uint32() if flags & EXTENDED else 0):
            reader.string(), reader.string()

    @property
    def permissions(self):
        return self.mode & 0o7777


class SFTP:
    """An SFTP channel on a connection of Paramiko."""

    def __init__(self, transport, version=3, patience=20):
        self.channel = transport.open_session(window_size=1 << 24)
        self.channel.settimeout(patience)
        self.channel.invoke_subsystem("sftp")
        self.number = 0
        self.buffer = b""
        self.send(byte(INIT) + uint32(version))
        kind, body = self.receive()
        assert kind == VERSION, kind
        self.version = body.uint32()
        self.extensions = {}
        while body.at < len(body.data):
            name = body.text()
            self.extensions[name] = body.text()

    # Packets

    def send(self, packet):
        self.channel.sendall(string(packet))

    def receive(self):
        """The type of the next packet, and its contents."""
        packet = self.take(Reader(self.take(4)).uint32())
        return packet[0], Reader(packet[1:])

    def take(self, count):
        while len(self.buffer) < count:
            more = self.channel.recv(1 << 20)
            if not more:
                raise EOFError
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def post(self, kind, body):
        """Sends a request without waiting; returns its id."""
        self.number += 1
        self.send(byte(kind) + uint32(self.number) + body)
        return self.number

    def ask(self, kind, body):
        number = self.post(kind, body)
        kind, reply = self.receive()
        got = reply.uint32()
        assert got == number, f"reply {got} to request {number}"
        if kind == STATUS:
            code = reply.uint32()
            if code != OK:
                raise Refused(code)
        return kind, reply

    # Requests

    def open(self, path, flags, with_attributes=uint32(0)):
        return self.handle(3, string(path) + uint32(flags) + with_attributes)

    def opendir(self, path):
        return self.handle(11, string(path))

    def handle(self, kind, body):
        kind, reply = self.ask(kind, body)
        assert kind == HANDLE, kind
        return reply.string()

    def close(self, handle):
        self.ask(4, string(handle))

    def read(self, handle, offset, count):
        kind, reply = self.ask(5, string(handle) + uint64(offset) + uint32(count))
        assert kind == DATA, kind
        return reply.string()

    def write(self, handle, offset, data):
        self.ask(6, string(handle) + uint64(offset) + string(data))

    def stat(self, path):
        return Status(self.ask(17, string(path))[1])

    def lstat(self, path):
        return Status(self.ask(7, string(path))[1])

    def fstat(self, handle):
        return Status(self.ask(8, string(handle))[1])

    def setstat(self, path, **what):
        self.ask(9, string(path) + attributes(**what))

    def fsetstat(self, handle, **what):
        self.ask(10, string(handle) + attributes(**what))

    def remove(self, path):
        self.ask(13, string(path))

    def mkdir(self, path, **what):
        self.ask(14, string(path) + attributes(**what))

    def rmdir(self, path):
        self.ask(15, string(path))

    def rename(self, path, target):
        self.ask(18, string(path) + string(target))

    def posix_rename(self, path, target):
        self.extended("posix-rename@openssh.com", string(path) + string(target))

    def symlink(self, target, path):
        """With OpenSSH's order of arguments."""
        self.ask(20, string(target) + string(path))

    def readlink(self, path):
        return self.name(19, path)

    def realpath(self, path):
        return self.name(16, path)

    def name(self, kind, path):
        kind, reply = self.ask(kind, string(path))
        assert kind == NAME and reply.uint32() == 1
        return reply.string()

    def extended(self, name, body=b""):
        return self.ask(200, string(name) + body)

    # Several requests

    def names(self, handle):
        """The names, long names and attributes of the next READDIR."""
        _, reply = self.ask(12, string(handle))
        return [(reply.string(), reply.string(), Status(reply)) for _ in range(reply.uint32())]

    def list(self, path):
        handle = self.opendir(path)
        found = []
        try:
            while True:
                found += self.names(handle)
        except Refused as refusal:
            assert refusal.code == END, refusal
        self.close(handle)
        return found

    def put(self, path, data):
        handle = self.open(path, WRITE | CREATE | TRUNCATE)
        for offset in range(0, len(data), 32000):
            self.write(handle, offset, data[offset : offset + 32000])
        self.close(handle)

    def get(self, path):
        handle = self.open(path, READ)
        data = b""
        try:
            while True:
                data += self.read(handle, len(data), 32768)
        except Refused as refusal:
            assert refusal.code == END, refusal
        self.close(handle)
        return data

    def exists(self, path):
        try:
            self.lstat(path)
        except Refused as refusal:
            assert refusal.code == NO_SUCH_FILE, refusal
            return False
        return True


def run(transport, command, stdin=b""):
    """The output of a command on its two streams, and its exit status."""
    channel = transport.open_session()
    channel.settimeout(60)
    channel.exec_command(command)
    if stdin:
        channel.sendall(stdin)
    channel.shutdown_write()
    output, errors = read_all(channel.recv), read_all(channel.recv_stderr)
    status = channel.recv_exit_status()
    channel.close()
    return output, errors, status


def read_all(receive):
    data = b""
    while more := receive(1 << 16):
        data += more
    return data


class Workplace:
    """A connection and an empty directory of the user, which is removed at the end of `with`."""

    def __enter__(self):
        self.client = connect()
        self.transport = self.client.get_transport()
        self.folder = self.shell("mktemp -d $HOME/work.XXXXXX").decode().strip()
        return self

    def __exit__(self, *_):
        if self.transport.is_active():
            self.shell(f"rm -rf {self.folder}")
        self.client.close()

    def shell(self, command, stdin=b""):
        """The output of a command in that directory, which must succeed."""
        if hasattr(self, "folder"):
            command = f"cd {self.folder} && {command}"
        output, errors, status = run(self.transport, command, stdin)
        assert status == 0, (command, output, errors, status)
        return output

    def sftp(self, **more):
        return SFTP(self.transport, **more)

    def path(self, name):
        return os.fsencode(f"{self.folder}/") + (name if isinstance(name, bytes) else name.encode())
