"""What a login for file transfer only requests in vain. Paramiko."""

import os
import socket
import threading

import paramiko
from claims import claim, main
from paramiko.common import cMSG_CHANNEL_OPEN, cMSG_CHANNEL_REQUEST
from paramiko_login import connect


def refused_channel(transport, kind, *parts):
    """Requests a channel of this kind, which must be refused."""
    with transport.lock:
        number = transport._next_channel()
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_OPEN)
        message.add_string(kind)
        for value in (number, 1 << 20, 1 << 15):
            message.add_int(value)
        for part in parts:
            message.add_int(part) if isinstance(part, int) else message.add_string(part)
        channel = paramiko.Channel(number)
        transport._channels.put(number, channel)
        transport.channel_events[number] = event = threading.Event()
        transport.channels_seen[number] = True
        channel._set_transport(transport)
        channel._set_window(1 << 20, 1 << 15)
    transport._send_user_message(message)
    assert event.wait(20), f"{kind}: no answer"
    assert isinstance(transport.get_exception(), paramiko.ChannelException), f"{kind} was opened"


def refused_request(channel, kind, *parts):
    """Sends a request on a channel, which must be refused."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string(kind)
    message.add_boolean(True)
    for part in parts:
        message.add_int(part) if isinstance(part, int) else message.add_string(part)
    channel._event_pending()
    channel.transport._send_user_message(message)
    try:
        channel._wait_for_event()
    except paramiko.SSHException:
        # Paramiko closes a channel whose request was refused.
        return
    raise AssertionError(f"{kind} was granted")


@claim
def no_forwarding():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        path = f"{os.environ['DIRECTORY']}/listener"
        with socket.socket(socket.AF_UNIX) as local:
            local.bind(path)
            local.listen()
            os.chmod(path, 0o777)
            transport = connect().get_transport()
            refused_channel(transport, "direct-tcpip", "127.0.0.1", port, "127.0.0.1", 1)
            refused_channel(transport, "direct-streamlocal@openssh.com", path, "", 0)
            refused_channel(transport, "x11", "127.0.0.1", 1)
            refused_channel(transport, "auth-agent@openssh.com")
            refused_channel(transport, "tun@openssh.com", 1, 0)
            for kind, *parts in [
                ("tcpip-forward", "127.0.0.1", 0), ("tcpip-forward", "", 0),
                ("streamlocal-forward@openssh.com", f"{os.environ['USER_HOME']}/files/socket"),
            ]:
                assert transport.global_request(kind, parts) is None, f"{kind} was granted"
            assert not os.path.exists(f"{os.environ['USER_HOME']}/files/socket")
            listener.settimeout(0)
            local.settimeout(0)
            for sock in (listener, local):
                try:
                    sock.accept()
                except BlockingIOError:
                    continue
                raise AssertionError("somebody connected")
            # Files are transferred anyway.
            transport.open_sftp_client().listdir(".")


@claim
def no_programs():
    transport = connect().get_transport()
    for command in [
        "id", "scp -t /; id", "scp -t $(id)", "", "/usr/lib/openssh/sftp-server", "rsync --server . .", "internal-sftp", None,
    ]:
        channel = transport.open_session()
        channel.settimeout(20)
        if command is None:
            channel.invoke_shell()
        else:
            channel.exec_command(command)
        # The client gets a message, and nothing is run.
        assert channel.recv(1000) == b"" and channel.recv_stderr(1000) != b"", command
        assert channel.recv_exit_status() == 126, command
    for kind, *parts in [
        ("subsystem", "netconf"), ("subsystem", "sftp;id"), ("subsystem", ""), ("pty-req", "vt100", 80, 24, 0, 0, ""),
        ("auth-agent-req@openssh.com",), ("x11-req", 0, "MIT-MAGIC-COOKIE-1", "00", 0),
    ]:
        refused_request(transport.open_session(), kind, *parts)
    transport.open_sftp_client().listdir(".")


@claim
def broken_off():
    transport = connect().get_transport()
    sftp = transport.open_sftp_client()
    file = sftp.open("broken", "w")
    file.write(b"x" * 1000)
    assert sftp.stat("broken").st_size == 1000
    sftp.open("there").read(3)
    # Nobody sends a disconnect message.
    transport.sock.shutdown(socket.SHUT_RDWR)


@claim
def no_signals():
    transport = connect().get_transport()
    channel = transport.open_session()
    channel.invoke_subsystem("sftp")
    refused_request(channel, "signal", "KILL")


main()
