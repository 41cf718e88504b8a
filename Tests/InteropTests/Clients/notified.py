"""Prints what a service manager is told: each datagram to the socket argv[1] as a line."""
import os
import socket
import sys

path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(path)
os.chmod(path, 0o777)
print("bound", flush=True)
while True:
    print(receiver.recv(65536).decode().replace("\n", " "), flush=True)
