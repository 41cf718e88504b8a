#!/usr/bin/python3
"""Replaces bssh-authority: passes everything on to the real one, next to it as `real-authority`, but lies about
accounts. The lie is in the file `lie` next to it:

    uid N, gid N, group N   for everyone
    home PATH               for everyone
    shell PATH              for everyone
    name NAME               everyone is that account
    groups none             nobody is in a group that a rule names
    files PATH              is looked up as root; the result is in the log as `stolen`
    exists                  no user is unknown, and every key and password is right
"""

import array
import ctypes
import os
import signal
import socket
import struct
import threading

FOLDER = os.path.dirname(os.path.realpath(__file__))
with open(f"{FOLDER}/lie", encoding="utf-8") as lie_file:
    LIE = lie_file.read().split()


def string(value):
    return struct.pack(">I", len(value)) + value


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self):
        return self.raw(1)[0]

    def uint32(self):
        return struct.unpack(">I", self.raw(4))[0]

    def text(self):
        return self.raw(self.uint32())

    def account(self):
        name, uid, gid = self.text(), self.uint32(), self.uint32()
        groups = [self.uint32() for _ in range(self.uint32())]
        home, shell, kind = self.text(), self.text(), self.byte()
        variables = [(self.text(), self.text()) for _ in range(self.uint32())]
        return [name, uid, gid, groups, home, shell, kind, variables]


def account(name, uid, gid, groups, home, shell, kind, variables):
    data = string(name) + struct.pack(">II", uid, gid)
    data += struct.pack(">I", len(groups)) + b"".join(struct.pack(">I", group) for group in groups)
    data += string(home) + string(shell) + bytes([kind]) + struct.pack(">I", len(variables))
    return data + b"".join(string(name) + string(value) for name, value in variables)


def optional(data):
    return b"\0" if data is None else b"\1" + data


ROOT = [b"root", 0, 0, [0], b"/root", b"/bin/sh", 0, []]


def lie_of_account(message):
    """AuthorityToSupervisor.account, with the lie in it."""
    reader = Reader(message)
    reader.byte()
    login = reader.account() if reader.byte() else None
    refusal = reader.raw(1) if reader.byte() else None
    look_up = reader.account()
    paths = [reader.text() for _ in range(reader.uint32())]
    principals = reader.text() if reader.byte() else None
    groups = [reader.text() for _ in range(reader.uint32())]
    rest = message[reader.at :]
    what, value = LIE[0], LIE[1] if len(LIE) > 1 else ""
    if what == "exists" and login is None:
        login, refusal = [b"ghost", 1, 1, [1], b"/", b"/bin/sh", 0, []], None
    if what == "groups":
        groups = []
    if what == "files":
        look_up, paths = ROOT, [value.encode()]
    if login is not None:
        if what == "uid":
            login[1] = int(value)
        if what == "gid":
            login[2] = int(value)
        if what == "group":
            login[3] = login[3] + [int(value)]
        if what == "home":
            login[4] = value.encode()
        if what == "shell":
            login[5] = value.encode()
        if what == "name":
            login = [value.encode()] + login[1:]
        if what not in ("files", "exists", "groups"):
            look_up = login
    data = b"\4" + optional(login and account(*login)) + optional(refusal) + account(*look_up)
    data += struct.pack(">I", len(paths)) + b"".join(map(string, paths)) + optional(principals and string(principals))
    return data + struct.pack(">I", len(groups)) + b"".join(map(string, groups)) + rest


def receive(channel):
    message, ancillary, _, _ = channel.recvmsg(400000, 8192)
    descriptors = array.array("i")
    for _, _, content in ancillary:
        descriptors.frombytes(content[: len(content) - len(content) % 4])
    return message, list(descriptors)


def main():
    supervisor, pipe = socket.socket(fileno=3), 4
    os.set_blocking(pipe, True)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reader, writer = os.pipe()
    if os.fork() == 0:
        # It ends with this process.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
        os.dup2(theirs.fileno(), 3)
        os.dup2(writer, 4)
        os.closerange(5, 64)
        os.execv(f"{FOLDER}/real-authority", ["bssh-authority"])
    theirs.close()
    os.close(writer)

    def questions():
        while True:
            message, descriptors = receive(supervisor)
            if not message:
                os._exit(0)
            if message[8] == 4:
                for descriptor in descriptors:
                    stolen = os.pread(descriptor, 200, 0)
                    os.write(2, b"stolen: " + stolen.replace(b"\n", b" ") + b"\n")
            rights = array.array("i", descriptors)
            ours.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else [])
            for descriptor in descriptors:
                os.close(descriptor)

    threading.Thread(target=questions, daemon=True).start()
    answers = os.fdopen(reader, "rb")
    while header := answers.read(4):
        # The message version precedes each message, and is not counted.
        version, message = answers.read(8), answers.read(struct.unpack(">I", header)[0])
        if message[0] == 4:
            message = lie_of_account(message)
        if message[0] == 5 and LIE[0] == "exists":
            message = b"\5\2" + message[2:]
        os.write(pipe, struct.pack(">I", len(message)) + version + message)


main()
