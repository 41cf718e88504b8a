"""Access control: the cost of the decision on a connection, and the effect of a flood on the logins of others."""

import glob
import os
import socket
import subprocess
import sys
import threading
import time

import measures

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODULES = ["Wire", "Digests", "Audit", "AccessControl"]
# Another address of this machine; the legitimate logins come from 127.0.0.1.
FLOODER = "127.0.0.2"
PER_SECOND = 500


def gate(name):
    """A figure of gate.swift, which is built with the sources of the decision, optimized like a release."""

    def measure(server, scale):
        folder = f"{server.folder}/gate"
        if not os.path.exists(f"{folder}/gate"):
            build(folder)
        printed = subprocess.run([f"{folder}/gate"], check=True, capture_output=True, text=True).stdout
        return float(dict(line.split() for line in printed.splitlines())[name])

    return measure


def build(folder):
    os.makedirs(folder, exist_ok=True)
    flags = ["-O", "-wmo", "-parse-as-library", "-swift-version", "6", "-I", folder]
    objects = []
    for module in MODULES:
        sources = sorted(glob.glob(f"{ROOT}/Sources/Libraries/{module}/**/*.swift", recursive=True))
        subprocess.run(
            ["swiftc", *flags, "-module-name", module, "-emit-module", "-emit-module-path",
             f"{folder}/{module}.swiftmodule", "-emit-object", "-o", f"{folder}/{module}.o", *sources], check=True)
        objects.append(f"{folder}/{module}.o")
    subprocess.run(
        ["swiftc", "-O", "-I", folder, "-o", f"{folder}/gate", f"{ROOT}/scripts/bench/gate.swift", *objects], check=True)


class Flood:
    """A client at another address that attempts 500 logins per second, each as far as the server permits."""

    def __init__(self, port):
        self.port = port
        self.tries = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def run(self):
        open_sockets, started = [], time.monotonic()
        while not self.over.is_set():
            due = int((time.monotonic() - started) * PER_SECOND)
            while self.tries < due:
                self.tries += 1
                one = socket.socket()
                one.setblocking(False)
                one.bind((FLOODER, 0))
                one.connect_ex(("127.0.0.1", self.port))
                open_sockets.append((time.monotonic(), one))
            for began, one in open_sockets:
                try:
                    # An identification, and then an invalid key exchange.
                    one.send(b"SSH-2.0-flood\r\n" + bytes([0, 0, 1, 20, 10, 20]) + os.urandom(274))
                except OSError:
                    pass
            # The client does not wait long for a reply.
            old = [entry for entry in open_sockets if time.monotonic() - entry[0] > 1]
            open_sockets = open_sockets[len(old):]
            for _, one in old:
                one.close()
            self.over.wait(1 / 100)
        for _, one in open_sockets:
            one.close()


def login_in_flood(server, scale):
    """The time of a login during a flood from another address, as a multiple of the time without one."""
    server.start()
    try:
        at_rest = measures.login_time(server, scale)
        with Flood(server.port) as flood:
            # By then the server's state about the flooding source no longer changes.
            time.sleep(2)
            before = flood.tries, time.monotonic()
            in_flood = measures.login_time(server, scale)
            rate = (flood.tries - before[0]) / (time.monotonic() - before[1])
        if rate < PER_SECOND * 0.9:
            print(f"bench: the flood was of {rate:.0f} tries in a second", file=sys.stderr)
        return in_flood / at_rest
    finally:
        server.stop()
