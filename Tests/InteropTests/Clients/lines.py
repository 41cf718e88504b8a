"""A receiver of lines over TCP that a test controls: lines.py PORT FILE [CERTIFICATE KEY].

It listens on 127.0.0.1, or on the address in ADDRESS.

Commands come line by line on standard input:
  read        reads everything (the default)
  stop        stops reading, and keeps connections open
  reset       resets all connections
  silent      accepts connections, and never sends or reads a byte, not even for TLS
Lines are written to FILE as they come.
"""

import os
import selectors
import socket
import ssl
import struct
import sys


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    context = None
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
    output = open(path, "ab", buffering=0)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((os.environ.get("ADDRESS", "127.0.0.1"), port))
    listener.listen()
    print("ready", listener.getsockname()[1], flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    reads, speaks = True, True
    connections = []
    rest = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                word = sys.stdin.readline().strip()
                if word == "" or word == "quit":
                    return
                if word == "reset":
                    for connection in connections:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        if reads:
                            selector.unregister(connection)
                        connection.close()
                    connections = []
                elif word in ("stop", "read") and (word == "read") != reads:
                    reads = word == "read"
                    for connection in connections:
                        if reads:
                            selector.register(connection, selectors.EVENT_READ)
                        else:
                            selector.unregister(connection)
                elif word == "silent":
                    speaks = reads = False
                print("done", word, flush=True)
            elif key.fileobj is listener:
                connection, _ = listener.accept()
                if context and speaks:
                    try:
                        connection = context.wrap_socket(connection, server_side=True)
                    except (OSError, ssl.SSLError):
                        connection.close()
                        continue
                print("accepted", flush=True)
                connections.append(connection)
                if reads:
                    selector.register(connection, selectors.EVENT_READ)
            else:
                connection = key.fileobj
                try:
                    data = connection.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    # A partial line at the end of a connection is not an event.
                    rest.pop(connection, None)
                    selector.unregister(connection)
                    connections.remove(connection)
                    connection.close()
                    continue
                data = rest.pop(connection, b"") + data
                end = data.rfind(b"\n") + 1
                output.write(data[:end])
                rest[connection] = data[end:]


main()
