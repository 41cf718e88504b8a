#!/usr/bin/python3
"""Replaces bssh-journal: opens, writes once, and then reports that it cannot write, with text that other readers
could misinterpret."""

import os
import socket
import struct

OPEN, APPEND = 1, 3
WRITTEN, FAILED, OPENED = b"\2", b"\3", b"\4"

supervisor = socket.socket(fileno=3)
reason = b"disk\nMAINPID=4242\nEXTEND_TIMEOUT_USEC=1\n<3>forged \xe2\x80\xae"


header = b""


def say(message):
    os.write(4, struct.pack(">I", len(message)) + header + message)


while message := supervisor.recv(1 << 20):
    # The message version precedes each message; taken from those of the supervisor.
    header, message = message[:8], message[8:]
    if message[0] == OPEN:
        say(OPENED)
    elif message[0] == APPEND:
        say(WRITTEN + message[1:9])
        say(FAILED + struct.pack(">QI", 0, len(reason)) + reason)
