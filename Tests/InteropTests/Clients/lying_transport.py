#!/usr/bin/python3
"""Replaces bssh-transport and does what its client says: lines `control HEX`, `descriptor HEX` (with a descriptor)
and `session HEX` become messages; replies are reported as `control HEX`, `session HEX` and `gone`."""

import array
import ctypes
import os
import select
import signal
import socket
import struct


# The message version, which precedes each message; taken from the messages of the supervisor.
HEADER = b""


class Control:
    """The channels of a child of the supervisor: messages with descriptors arrive on a socket, and messages without
    are sent over a pipe."""

    def __init__(self, incoming, outgoing):
        self.socket, self.pipe = socket.socket(fileno=incoming), outgoing
        os.set_blocking(outgoing, True)

    def fileno(self):
        return self.socket.fileno()

    def recvmsg(self, *sizes):
        return self.socket.recvmsg(*sizes)

    def send(self, data):
        os.write(self.pipe, struct.pack(">I", len(data)) + HEADER + data)

    def close(self):
        self.socket.close()
        os.close(self.pipe)


class Session:
    """The socket to a session process."""

    def __init__(self, descriptor):
        self.socket = socket.socket(fileno=descriptor)

    def fileno(self):
        return self.socket.fileno()

    def recvmsg(self, *sizes):
        return self.socket.recvmsg(*sizes)

    def send(self, data):
        self.socket.send(HEADER + data)


def receive(channel):
    global HEADER
    data, ancillary, _, _ = channel.recvmsg(262144, socket.CMSG_SPACE(4 * 8))
    descriptors = array.array("i")
    for _, _, content in ancillary:
        descriptors.frombytes(content)
    HEADER = data[:8] or HEADER
    return data[8:], list(descriptors)


def send_descriptor(control, data):
    """The only way to send a descriptor leads nowhere."""
    control.socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", 1))])


def serve(control, client):
    session, pending = None, b""
    while True:
        ready, _, _ = select.select([channel for channel in (control, client, session) if channel], [], [])
        for channel in ready:
            if channel is client:
                pending += client.recv(1 << 20)
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    what, message = line.decode().split(" ")
                    try:
                        if what == "descriptor":
                            send_descriptor(control, bytes.fromhex(message))
                        else:
                            (control if what == "control" else session).send(bytes.fromhex(message))
                    except OSError:
                        client.sendall(b"gone\n")
                if not lines and not pending:
                    return
                continue
            data, descriptors = receive(channel)
            name = "control" if channel is control else "session"
            if data:
                client.sendall(f"{name} {data.hex()} {len(descriptors)}\n".encode())
            else:
                client.sendall(f"{name} gone 0\n".encode())
                if channel is session:
                    session = None
                else:
                    return
            if descriptors and channel is control:
                session = Session(descriptors[0])


def copy():
    """A copy of this process that is a child of our parent, as a zygote makes them; 0 in the copy. clone(2)"""
    clone_parent, sys_clone = 0x8000, 56
    return ctypes.CDLL(None, use_errno=True).syscall(sys_clone, clone_parent | signal.SIGCHLD, 0, 0, 0, 0)


def main():
    zygote = Control(3, 4)
    receive(zygote)
    # ready, without weaknesses
    zygote.send(b"\1\0\0\0\0")
    while True:
        data, descriptors = receive(zygote)
        if not data:
            return
        pid = copy()
        if pid == 0:
            break
        # forked, with the received process id
        zygote.send(b"\2" + data[1:9] + struct.pack(">I", pid))
        for descriptor in descriptors:
            os.close(descriptor)
    zygote.close()
    os.dup2(descriptors[2], 2)
    os.close(descriptors[2])
    control = Control(*descriptors[:2])
    data, descriptors = receive(control)
    if data:
        client = socket.socket(fileno=descriptors[0])
        client.setblocking(True)
        serve(control, client)


main()
