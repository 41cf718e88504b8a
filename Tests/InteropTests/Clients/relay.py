"""Relays connections to PORT to TARGET, and back: relay.py PORT FILE TARGET.

FILE contains the number of bytes that clients have sent so far.
"""

import os
import socket
import sys
import threading


def main():
    port, path, target = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    lock = threading.Lock()
    count = 0

    def pump(source, destination, counts):
        nonlocal count
        while True:
            try:
                data = source.recv(65536)
                if counts:
                    with lock:
                        count += len(data)
                        with open(f"{path}.new", "w", encoding="ascii") as file:
                            file.write(str(count))
                        os.replace(f"{path}.new", path)
                if not data:
                    destination.shutdown(socket.SHUT_WR)
                    return
                destination.sendall(data)
            except OSError:
                return

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    print("ready", port, flush=True)
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", target))
        threading.Thread(target=pump, args=(client, server, True), daemon=True).start()
        threading.Thread(target=pump, args=(server, client, False), daemon=True).start()


main()
