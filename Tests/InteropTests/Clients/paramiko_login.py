"""A login with Paramiko."""

import os

import paramiko


def connect():
    client = paramiko.SSHClient()
    client.load_host_keys(f"{os.environ['DIRECTORY']}/known_hosts")
    client.connect(
        "127.0.0.1", int(os.environ["PORT"]), os.environ["LOGIN"], key_filename=os.environ["KEY"],
        allow_agent=False, look_for_keys=False,
    )
    return client
