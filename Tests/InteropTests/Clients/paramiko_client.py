"""Paramiko, in normal use."""

import os
import time

import paramiko

from claims import claim, main
from paramiko_login import connect


@claim
def standard_streams():
    stdin, stdout, stderr = connect().exec_command("cat; echo error >&2; exit 4")
    stdin.write("hello")
    stdin.channel.shutdown_write()
    assert stdout.read() == b"hello"
    assert stderr.read() == b"error\n"
    assert stdout.channel.recv_exit_status() == 4


@claim
def many_commands():
    client = connect()
    for number in range(100):
        _, stdout, _ = client.exec_command(f"echo {number}")
        assert stdout.read() == f"{number}\n".encode()


@claim
def exit_signal():
    """RFC 4254, section 6.10: the name of the signal, without SIG."""
    heard = []
    client = connect()
    original = paramiko.Channel._handle_request

    def handle(channel, message):
        kind = message.get_text()
        message.get_boolean()
        if kind == "exit-signal":
            heard.append(message.get_text())
        message.rewind()
        message.get_int()
        return original(channel, message)

    paramiko.Transport._channel_handler_table[98] = handle
    channel = client.get_transport().open_session()
    channel.exec_command(f"ulimit -c 0; kill -{os.environ['SIGNAL']} $$")
    channel.settimeout(15)
    assert channel.recv(1) == b""
    deadline = time.monotonic() + 10
    while not channel.closed:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert heard == [os.environ["SIGNAL"]], heard


@claim
def signals():
    """A signal request reaches the program and what it started; an unknown name is refused."""
    from paramiko.common import cMSG_CHANNEL_REQUEST

    for name in ["TERM", "INT", "HUP", "USR1"]:
        channel = connect().get_transport().open_session()
        channel.settimeout(15)
        channel.exec_command(f"trap 'echo got {name}; exit 0' {name}; echo ready; while :; do sleep 0.05; done")
        assert channel.recv(100) == b"ready\n"
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("signal")
        message.add_boolean(False)
        message.add_string(name)
        channel.transport._send_user_message(message)
        assert channel.recv(100) == f"got {name}\n".encode()


main()
