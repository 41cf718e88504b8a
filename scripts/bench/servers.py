"""The two servers that are compared, each started privately on 127.0.0.1, and the client that is used with both."""

import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KEY_EXCHANGE = "curve25519-sha256"
CIPHER = "aes128-gcm@openssh.com"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def descendants(of):
    """All descendants of `of`."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, level = [], [of]
    while level:
        level = [pid for pid, parent in parents.items() if parent in level]
        found += level
    return found


class Server:
    """One server: `start`, `stop`, and `command` for a client that connects to it."""

    def __init__(self, name, folder, data, user):
        self.name = name
        self.folder = folder
        # Files to transfer.
        self.data = data
        self.user = user
        self.port = free_port()
        self.process = None
        self.report = f"{folder}/{name}.seconds"

    def start(self):
        with open(f"{self.folder}/{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, f"{HERE}/serve.py", self.report, *self.arguments()], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        limit = time.monotonic() + 10
        while True:
            if self.process.poll() is not None or time.monotonic() > limit:
                self.fail("does not start")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    pass
                break
            except OSError:
                time.sleep(0.02)
        # A whole login, so that everything exists that is started ahead of time.
        self.run("true")
        return self

    def fail(self, what):
        """Ends the benchmark, with the last output of the server."""
        with open(f"{self.folder}/{self.name}.log", encoding="utf-8", errors="replace") as log:
            last = "".join(log.readlines()[-20:])
        sys.exit(f"bench: {self.name}: {what}\n{last}")

    def stop(self):
        """Ends the server and all of its processes; returns the seconds of processor time that they used."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process = None
        with open(self.report, encoding="utf-8") as file:
            return float(file.read())

    def processes(self):
        return descendants(self.process.pid)

    def command(self, remote, *options, cipher=CIPHER):
        settings = {
            "BatchMode": "yes", "IdentitiesOnly": "yes", "StrictHostKeyChecking": "yes", "UpdateHostKeys": "no",
            "GlobalKnownHostsFile": "/dev/null", "UserKnownHostsFile": f"{self.folder}/known_hosts",
            "HostKeyAlias": "bench", "GSSAPIAuthentication": "no", "KexAlgorithms": KEY_EXCHANGE, "Ciphers": cipher,
            "LogLevel": "ERROR", "Compression": "no",
        }
        words = ["ssh", "-F", "none", "-p", str(self.port), "-i", f"{self.folder}/user_key", *options]
        for key, value in settings.items():
            words += ["-o", f"{key}={value}"]
        return [*words, f"{self.user}@127.0.0.1", remote]

    def run(self, remote, *options, cipher=CIPHER, **streams):
        """Runs a command there; a failure ends the benchmark, since its time would be meaningless."""
        streams.setdefault("stdin", subprocess.DEVNULL)
        status = subprocess.run(self.command(remote, *options, cipher=cipher), check=False, **streams).returncode
        if status != 0:
            self.fail(f"ssh {remote!r} exited with {status}")


class OpenSSH(Server):
    """Debian's sshd, without PAM, which only makes it faster."""

    def arguments(self):
        path = f"{self.folder}/{self.name}.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.folder}/host_key\nPidFile none\n"
                f"AuthorizedKeysFile {self.folder}/keys/authorized_keys\nPasswordAuthentication no\n"
                f"KbdInteractiveAuthentication no\nUsePAM no\nMaxStartups 200\nKexAlgorithms {KEY_EXCHANGE}\n"
                "Subsystem sftp /usr/lib/openssh/sftp-server\nAllowUsers " + self.user + "\n")
        return ["/usr/sbin/sshd", "-D", "-e", "-f", path]


class Ours(Server):
    """bssh-server."""

    def __init__(self, *arguments, executables, audit=""):
        super().__init__(*arguments)
        self.executables = executables
        # A key of `audit` in addition to those of every measurement.
        self.audit = audit

    def arguments(self):
        path = f"{self.folder}/{self.name}.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"server:\n  bind_address: 127.0.0.1\n  port: {self.port}\n  host_keys: [{self.folder}/host_key]\n"
                f"auth:\n  publickey:\n    authorized_keys_pattern: {self.folder}/keys/authorized_keys\n"
                # As with sshd, which limits only connections without a login.
                f"security:\n  whitelist_ips: [127.0.0.1]\n  ban_state_file: null\n"
                # With its journal, as in real use, but not with that of this machine, nor with its login records.
                f"audit:\n  exporters: [{{type: file, path: {self.folder}/audit-{self.name}/audit.log}}]\n"
                f"  login_records: false\n  {self.audit}\n")
        os.chmod(path, 0o600)
        return [f"{self.executables}/bssh-server", "run", "-D", "-c", path]
