"""Everyday uses of OpenSSH's client that other servers have got wrong."""

import contextlib
import glob
import hashlib
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

from claims import claim, main
from processes import descendants

SSH, DIRECTORY, USER_HOME = os.environ["SSH"], os.environ["DIRECTORY"], os.environ["USER_HOME"]
CONFIGURATION = f"{DIRECTORY}/ssh_config"
QUIET = ["-o", "LogLevel=ERROR"]


def ssh(*words, data=None, patience=30, **more):
    """Runs ssh to its end: status, output, errors. `data` is its input, by default empty."""
    source = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
    if isinstance(data, int):
        source = {"stdin": data}
    done = subprocess.run([SSH, *QUIET, *words], capture_output=True, timeout=patience, **source, **more)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def remote(line, **more):
    """The output of a command that must succeed."""
    status, output, errors = ssh("host", line, **more)
    assert status == 0, (line, status, output, errors)
    return output.strip()


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(dir=DIRECTORY) as name:
        yield name


def eventually(what, is_so, patience=10):
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.01)


def runs(pid):
    with contextlib.suppress(FileNotFoundError):
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def title(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def logins():
    """Sessions of a user who is logged in."""
    found = [pid for pid, name in descendants(int(os.environ["GUARDIAN"])) if name == "bssh-session"]
    return [pid for pid in found if not title(pid).endswith((": zygote", ": spare"))]


# Background jobs


def outlives(line, *options):
    """The job whose pid the command prints does not keep the channel open, and outlives the connection."""
    status, output, errors = ssh(*options, "host", line, patience=10)
    pid = int(output.split()[0])
    try:
        assert status == 0, (status, errors)
        eventually("the login has ended", lambda: not logins())
        assert runs(pid), line
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


@claim
def jobs_that_let_go_of_the_outputs_outlive_the_connection():
    outlives("nohup sleep 60 >/dev/null 2>&1 </dev/null & echo $!")
    outlives("setsid sleep 60 >/dev/null 2>&1 </dev/null & echo $!")
    outlives("sleep 60 >/dev/null 2>&1 & echo $!")


@claim
def nohup_outlives_its_terminal():
    line = "nohup sleep 60 >/dev/null 2>&1 </dev/null & until grep -q sleep /proc/$!/comm; do :; done; echo $!"
    outlives(line, "-tt")


@claim
def a_job_on_the_output_holds_the_channel_and_not_the_status():
    status, output, _ = ssh("host", "(sleep 0.5; echo late) & echo started; exit 3")
    assert (status, output) == (3, "started\nlate\n"), (status, output)


@claim
def tmux_outlives_the_connection():
    name = f"case{os.getpid()}"
    remote(f"tmux -L {name} new-session -d 'sleep 60'; tmux -L {name} ls >/dev/null")
    try:
        eventually("the login has ended", lambda: not logins())
        assert "1 windows" in remote(f"tmux -L {name} ls")
    finally:
        ssh("host", f"tmux -L {name} kill-server")


# Unread input


@claim
def the_status_comes_while_input_is_unread():
    with folder() as place:
        large = f"{place}/large"
        with open(large, "wb") as file:
            file.write(bytes(30_000_000))

        def fed(line):
            with open(large, "rb") as file:
                return ssh("host", line, data=file.fileno())[:2]

        assert fed("true") == (0, "")
        assert fed("sleep 0.5; exit 3") == (3, "")
        assert fed("exec 0<&-; sleep 0.5; echo done; exit 4") == (4, "done\n")
        assert fed("head -c 5 | wc -c; exec <&-; head -c 3000000 /dev/zero | wc -c") == (0, "5\n3000000\n")
        assert fed("md5sum")[1][:32] == hashlib.md5(bytes(30_000_000)).hexdigest()
    endless = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
    assert ssh("host", "head -1", data=endless.stdout.fileno())[:2] == (0, "y\n")
    endless.kill()
    endless.wait()
    reader = subprocess.Popen([SSH, *QUIET, "host", "yes"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert reader.stdout.read(2) == b"y\n"
    reader.stdout.close()
    reader.wait(20)


# The environment of a program


@claim
def a_program_starts_afresh():
    # The limits with which the daemon was started, which are ours.
    with open("/proc/self/oom_score_adj") as file:
        expected = [str(os.nice(0)), file.read().strip(), "0022"]
    assert remote("nice; cat /proc/self/oom_score_adj; umask").split() == expected
    # It leads a process group of its own, and its shell has the same name as under sshd.
    pid, group = remote("ps -o pid=,pgid= $$").split()
    assert pid == group
    assert remote("echo $0") in ("sh", "bash")
    assert remote("pwd") == remote("echo $HOME") == USER_HOME
    blocked = remote("exec grep -E '^Sig(Ign|Blk):' /proc/self/status").split()
    assert {int(word, 16) & 0x7FFFFFFF for word in blocked[1::2]} == {0}
    # No program of the login, including the shell, has a descriptor that it should not have.
    assert remote("exec ls /proc/self/fd").split() == ["0", "1", "2", "3"]


@claim
def probes_of_editors_are_answered():
    output = remote("uname -a; test -d .vscode-server; printf '\\033]0;x\\007'; locale 2>/dev/null | head -1")
    assert "Linux" in output
    status, output, _ = ssh("-T", "host", "bash -s", data=b"for i in 1 2 3; do echo line $i; done\ncat <<E\nheredoc\nE\nexit 9\n")
    assert status == 9 and output == "line 1\nline 2\nline 3\nheredoc\n", (status, output)
    assert ssh("-T", "host", "sh", data=b"echo $0 $-; exit 8\n")[0] == 8


@claim
def a_variable_that_is_refused_does_no_harm():
    environment = {**os.environ, "GIT_PROTOCOL": "version=2", "LC_ALL": "de_XX.bogus", "LANG": ""}
    status, output, _ = ssh("-o", "SendEnv=GIT_PROTOCOL LANG LC_*", "host", "echo $LC_ALL.$GIT_PROTOCOL.", env=environment)
    assert status == 0 and output in ("de_XX.bogus..\n", "de_XX.bogus.version=2.\n"), (status, output)


@claim
def a_session_goes_on_where_forwarding_is_asked_for():
    port = free_port()
    for options in [
        ["-A", "-X", "-o", "ForwardX11=yes"], ["-D", str(port)],
        ["-o", "ExitOnForwardFailure=no", "-L", f"{port}:127.0.0.1:1", "-R", f"{free_port()}:127.0.0.1:1"],
    ]:
        status, output, _ = ssh(*options, "host", "echo in")
        assert (status, output) == (0, "in\n"), (options, status, output)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@claim
def a_client_without_a_session_goes_to_the_background():
    with folder() as place:
        assert ssh("-M", "-S", f"{place}/c", "-N", "-f", "host", patience=10)[0] == 0
        results = [None] * 15

        def one(number):
            results[number] = ssh("-S", f"{place}/c", "host", f"sleep 0.3; echo {number}")[:2]

        threads = [threading.Thread(target=one, args=(number,)) for number in range(15)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ssh("-S", f"{place}/c", "-O", "exit", "host")
        # sshd permits ten sessions on a connection; further ones get a connection of their own.
        assert results == [(0, f"{number}\n") for number in range(15)], results


# Terminals


@claim
def a_terminal_reads_a_script():
    status, output, _ = ssh("-tt", "host", data=b"stty size\necho a; exit 7\n")
    assert status == 7 and "0 0" in output, (status, output)
    status, output, _ = ssh("-tt", "host", data=b"echo x | cat\nstty -a | head -1\nexit 0\n")
    assert status == 0 and re.search(r"[\r\n]x\r\n", output), (status, output)


@claim
def control_d_ends_what_reads_a_terminal():
    client = subprocess.Popen(
        [SSH, *QUIET, "-tt", "host", "stty -echo; echo ready; cat; exit 5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.stdout.readline() == b"ready\r\n"
    client.stdin.write(b"a\nb\n\4")
    client.stdin.flush()
    assert client.stdout.read() == b"a\r\nb\r\n"
    assert client.wait(20) == 5
    client.stdin.close()


@claim
def a_terminal_without_a_name():
    environment = {name: value for name, value in os.environ.items() if name != "TERM"}
    status, output, _ = ssh("-tt", "host", 'echo "T=$TERM"; exit 2', env=environment)
    assert status == 2 and output.startswith("T="), (status, output)


@claim
def deaths_and_much_output_on_a_terminal():
    assert ssh("-tt", "host", "kill -9 $$")[0] == 255
    status, output, _ = ssh("-tt", "host", "seq 1 200000")
    assert status == 0 and output.endswith("\n200000\r\n")
    # Somebody is left on the terminal, and does not keep it open.
    assert ssh("-tt", "host", "trap '' HUP; (sleep 1; echo never) & exit 4", patience=15)[0] == 4


@claim
def the_terminal_has_its_name_and_only_where_there_is_one():
    _, output, _ = ssh("-tt", "host", "echo $SSH_TTY; tty")
    assert len(set(output.split())) == 1 and output.startswith("/dev/pts/"), output
    status, output, _ = ssh("-T", "host", data=b"tty; echo $SSH_TTY.; exit 6\n")
    assert status == 6 and output == "not a tty\n.\n", (status, output)
    script = "import os; print(os.isatty(0), os.isatty(1), os.isatty(2))"
    assert ssh("-tt", "host", f"python3 -c '{script}'")[1] == "True True True\r\n"


@claim
def tmux_and_mosh_start_on_a_terminal():
    client = subprocess.Popen(
        [SSH, *QUIET, "-tt", "host"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm-256color"})
    seen = b""

    def type_and_expect(line, expected):
        nonlocal seen
        client.stdin.write(line)
        client.stdin.flush()
        while expected not in seen:
            more = os.read(client.stdout.fileno(), 65536)
            assert more, (line, seen)
            seen += more
        seen = seen.split(expected, 1)[1]

    watchdog = threading.Timer(30, client.kill)
    watchdog.start()
    type_and_expect(b"echo rea''dy\n", b"ready")
    type_and_expect(f"tmux -L hx{os.getpid()} new -A -s x\n".encode(), b"[x]")
    type_and_expect(b"echo in tm''ux\n", b"in tmux")
    type_and_expect(b"exit\n", b"[exited]")
    type_and_expect(b"exit 3\n", b"exit 3")
    assert client.wait(20) == 3
    watchdog.cancel()
    for options, colors in [(["-tt"], 256), ([], 8)]:
        line = f"LC_ALL=C.UTF-8 mosh-server new -s -c {colors} -l LANG=C.UTF-8 -- true"
        _, output, errors = ssh(*options, "host", line)
        assert re.search(r"MOSH CONNECT \d+ \S{22}", output), (output, errors)
        # They wait for their clients.
        ssh("host", "pkill -KILL -x mosh-server")


# Network conditions


class Dripping:
    """Relays a connection in pieces with the lengths in `cut`."""

    def __init__(self, cut):
        self.cut = cut
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for ends in [(client, server), (server, client)]:
                threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while data:
                    count = self.cut()
                    target.sendall(data[:count])
                    data = data[count:]
                    if count < 5:
                        time.sleep(0.0001)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@claim
def it_does_not_matter_how_tcp_cuts_a_connection():
    for longest, size in [(1, 2000), (40, 60_000), (3000, 2_000_000)]:
        cut = lambda longest=longest: random.randint(1, longest)
        options = ["-o", f"Port={Dripping(cut).port}", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        data = os.urandom(size)
        done = subprocess.run([SSH, *QUIET, *options, "host", "cat"], input=data, capture_output=True, timeout=60)
        assert done.returncode == 0 and done.stdout == data, (size, done.stderr)
        with folder() as place:
            with open(f"{place}/there", "wb") as file:
                file.write(data)
            batch = f"put {place}/there dripped\nget dripped {place}/back\nrm dripped\n".encode()
            done = subprocess.run(
                ["sftp", "-q", "-F", CONFIGURATION, *QUIET, *options, "-b", "-", "host"], input=batch, capture_output=True,
                timeout=60)
            assert done.returncode == 0, (size, done.stderr)
            with open(f"{place}/back", "rb") as file:
                assert file.read() == data, size


@claim
def forty_logins_at_once():
    clients = [
        subprocess.Popen(
            [SSH, *QUIET, "host", f"echo {number}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for number in range(40)
    ]
    results = [client.communicate(timeout=60) + (client.returncode,) for client in clients]
    assert [result[0] for result in results] == [b"%d\n" % number for number in range(40)], results


# Agents


@claim
def the_right_key_may_come_late():
    """`ssh` offers all keys of an agent: nineteen wrong ones, and then a password; sshd accepts six attempts at
    most."""
    with folder() as place:
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", f"{place}/agent"], stdout=subprocess.DEVNULL)
        environment = {**os.environ, "SSH_AUTH_SOCK": f"{place}/agent"}
        eventually("the agent is there", lambda: os.path.exists(f"{place}/agent"))

        def add(*paths):
            subprocess.run(["ssh-add", "-q", *paths], check=True, env=environment, stderr=subprocess.DEVNULL)

        # A key that is named as a file is offered before the others.
        with open(CONFIGURATION) as common, open(f"{place}/config", "w") as own:
            own.writelines(line for line in common if "IdentityFile" not in line)

        def offered():
            options = ["-F", f"{place}/config", "-o", "IdentitiesOnly=no", "-o", f"IdentityAgent={place}/agent"]
            return ssh(*options, "host", "echo in", env=environment)

        try:
            for number in range(20):
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{place}/key{number}"], check=True)
            for wrong in [4, 5, 10, 19]:
                add("-D")
                add(*(f"{place}/key{number}" for number in range(wrong)))
                add(os.environ["KEY"])
                assert offered()[:2] == (0, "in\n"), (wrong, offered())
            add("-D")
            add(*(f"{place}/key{number}" for number in range(20)))
            add(os.environ["KEY"])
            assert offered()[0] == 255, "more keys than security.max_auth_attempts lets offer"
        finally:
            agent.terminate()
            agent.wait()


# SCP


def scp(*words):
    done = subprocess.run(["scp", "-O", "-q", "-F", CONFIGURATION, *QUIET, *words], capture_output=True, timeout=30)
    return done.returncode, done.stderr.decode()


@claim
def a_name_with_a_newline_is_brought():
    with folder() as place:
        remote("mkdir -p names/sub; echo x >\"names/sub/new\nline\"; echo y >'names/new\\^Jline'")
        assert scp("-r", "host:names", place) == (0, "")
        assert sorted(glob.glob(f"{place}/names/**", recursive=True))[1:] == [
            f"{place}/names/{name}" for name in ["new\\^Jline", "sub", "sub/new\\^Jline"]]
        # Files that are received under such a name get this name.
        assert scp("-r", f"{place}/names", "host:back") == (0, "")
        assert remote("cat 'back/sub/new\\^Jline'") == "x"
        remote("rm -r names back")


@claim
def braces_are_expanded():
    with folder() as place:
        remote("mkdir -p braces/d; for i in a b c1 c2 d/e; do echo $i >braces/$i; done")
        # OpenSSH's scp compares received names with requested ones, and supports fewer brace expressions than bash.
        assert scp("host:braces/{a,b}", place) == (0, "")
        assert sorted(os.listdir(place)) == ["a", "b"]
        assert scp("-T", "host:braces/{c{1..2},d/e}", place) == (0, "")
        assert sorted(os.listdir(place)) == ["a", "b", "c1", "c2", "e"]
        status, errors = scp(f"{place}/a", "host:braces/{x,y}")
        assert status != 0 and "ambiguous target" in errors, (status, errors)
        remote("rm -r braces")


@claim
def a_noisy_start_file_is_no_protocol():
    """SFTP and SCP do not run the shell's start files, which print something."""
    rc = f"{USER_HOME}/.bashrc"
    with open(rc, "w") as file:
        file.write("echo Welcome to this machine; cat /etc/os-release\n")
    os.chmod(rc, 0o644)
    try:
        if "bash" in remote("echo $SHELL"):
            assert "Welcome" in remote("true")
        done = subprocess.run(
            ["sftp", "-q", "-F", CONFIGURATION, "-b", "-", "host"], input=b"ls -l\n", capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr
        with folder() as place:
            with open(f"{place}/file", "w") as file:
                file.write("hello\n")
            assert scp(f"{place}/file", "host:noise") == (0, "")
            assert scp("host:noise", f"{place}/back") == (0, "")
    finally:
        os.remove(rc)


@claim
def a_full_disk_is_told_by_every_way_of_writing():
    """$FULL is a file system of 2 MiB."""
    full = os.environ["FULL"]
    with folder() as place:
        large, small = f"{place}/large", f"{place}/small"
        with open(large, "wb") as file:
            file.write(os.urandom(5_000_000))
        with open(small, "wb") as file:
            file.write(os.urandom(100_000))

        def sftp(*lines):
            batch = "".join(f"{line}\n" for line in lines).encode()
            words = ["sftp", "-q", "-F", CONFIGURATION, "-b", "-", "host"]
            return subprocess.run(words, input=batch, capture_output=True, timeout=30).returncode

        assert sftp(f"put {large} {full}/large") != 0
        assert sftp(f"-put {large} {full}/large", f"rm {full}/large", f"put {small} {full}/small", f"rm {full}/small") == 0
        assert scp(large, f"host:{full}/large")[0] != 0
        remote(f"rm {full}/large")
        with open(large, "rb") as file:
            assert ssh("host", f"cat >{full}/large", data=file.fileno())[0] == 1
        remote(f"rm {full}/large")


main()
