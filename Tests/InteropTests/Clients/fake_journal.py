#!/usr/bin/python3
"""Stands in for bssh-journal, and says that it cannot write, in words that mean more to others."""

import os
import socket
import struct
import time

supervisor = socket.socket(fileno=3)
supervisor.recv(1 << 20)
reason = b"disk\nMAINPID=4242\nEXTEND_TIMEOUT_USEC=1\n<3>forged \xe2\x80\xae"
message = b"\3" + struct.pack(">QI", 0, len(reason)) + reason
os.write(4, struct.pack(">I", len(message)) + message)
while supervisor.recv(1 << 20):
    time.sleep(0.01)
