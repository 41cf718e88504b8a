"""ssh on a terminal of ours, driven key by key."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from claims import claim, main
from processes import descendants

SSH = os.environ["SSH"]


class Terminal:
    """ssh with these arguments on a new terminal; its output is collected in `text`."""

    def __init__(self, *arguments, rows=24, columns=80, pixels=(0, 0), modes=None, term="xterm-256color"):
        self.text = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # The terminal has the wanted modes before ssh reads them.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, *pixels))
            if modes:
                settings = termios.tcgetattr(0)
                modes(settings)
                termios.tcsetattr(0, termios.TCSANOW, settings)
            os.execve(SSH, [SSH, *arguments], {**os.environ, "TERM": term})

    def resize(self, rows, columns, *pixels):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, *(pixels or (0, 0))))

    def type(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.master, data) :]

    def read(self, patience):
        """Reads available output; False if there is none for this long, or ever again."""
        if not select.select([self.master], [], [], patience)[0]:
            return False
        try:
            more = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += more.decode(errors="replace")
        return bool(more)

    def expect(self, pattern, patience=15):
        """Reads until the pattern is found, and consumes everything up to its end."""
        deadline = time.monotonic() + patience
        while not (found := re.search(pattern, self.text)):
            if not self.read(max(0, deadline - time.monotonic())):
                raise AssertionError(f"no {pattern!r} in {self.text!r}")
        self.text = self.text[found.end() :]
        return found

    def run(self, command):
        """The output of one command line."""
        self.type(f"{command}; echo en''d\n")
        self.expect(r"en''d\r+\n")
        return self.expect(r"(?s)(.*?)end\r?\n").group(1).replace("\r", "").strip()

    def finish(self, patience=15):
        """Waits for ssh's end: its exit status, and the rest of its output."""
        deadline = time.monotonic() + patience
        while self.read(max(0, deadline - time.monotonic())):
            pass
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        while pid == 0:
            assert time.monotonic() < deadline, f"ssh does not end; {self.text!r}"
            time.sleep(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status), self.text

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def shell(*, options=(), **more):
    """A login shell with an unmistakable prompt."""
    terminal = Terminal("-tt", *options, "host", **more)
    terminal.type("PS1=''\n")
    terminal.run("true")
    return terminal


@claim
def login_shell():
    terminal = shell()
    assert terminal.run("echo $0") == "-sh"
    assert terminal.run("tty") == terminal.run("echo $SSH_TTY")
    assert terminal.run("echo $TERM") == "xterm-256color"
    assert terminal.run("pwd") == os.environ["USER_HOME"]
    # It is the controlling terminal, and the shell leads the session that has it.
    assert terminal.run("echo reached >/dev/tty") == "reached"
    assert terminal.run("ps -o sid= -p $$").strip() == terminal.run("echo $$")
    assert terminal.run("stat -c %U $(tty)") == terminal.run("id -un")
    terminal.type("exit 5\n")
    assert terminal.finish()[0] == 5


@claim
def login_shell_of_one_user():
    terminal = shell()
    assert terminal.run("echo $0") == "-sh"
    assert terminal.run("tty") == terminal.run("echo $SSH_TTY")
    terminal.type("exit 5\n")
    assert terminal.finish()[0] == 5


@claim
def end_of_file_key():
    terminal = shell()
    terminal.type("\4")
    assert terminal.finish()[0] == 0


SIZE = "python3 -c 'import fcntl,termios,struct; print(*struct.unpack(\"HHHH\", fcntl.ioctl(0, 0x5413, bytes(8))))'"


@claim
def window_size():
    terminal = shell(rows=31, columns=117, pixels=(1234, 567))
    assert terminal.run("stty size") == "31 117"
    assert terminal.run("/usr/bin/" + SIZE) == "31 117 1234 567"
    # A separate shell, since with job control only the sleep gets the signal of the change.
    terminal.type("sh -c 'trap \"echo chan\"ged WINCH; echo rea\"\"dy; while :; do sleep 0.1; done'\n")
    terminal.expect("ready\r\n")
    terminal.resize(50, 100, 1000, 900)
    terminal.expect("changed")
    terminal.type("\3")
    assert terminal.run("/usr/bin/" + SIZE).endswith("50 100 1000 900")


@claim
def terminal_modes():
    """The modes of the client's terminal are applied to the server's."""

    def modes(settings):
        settings[0] &= ~termios.IXON
        settings[0] |= termios.IXANY
        settings[3] &= ~termios.ECHOE
        settings[6][termios.VERASE] = b"\x08"
        settings[6][termios.VINTR] = b"\x0b"
        settings[6][termios.VEOF] = b"\x18"
        settings[4] = settings[5] = termios.B9600

    terminal = shell(modes=modes)
    said = terminal.run("stty -a")
    for expected in ["-ixon", " ixany", "-echoe", "erase = ^H", "intr = ^K", "eof = ^X", "speed 9600 baud"]:
        assert expected in said, f"{expected} is not in {said}"
    terminal = shell()
    said = terminal.run("stty -a")
    for expected in [" ixon", "-ixany", " echoe", "erase = ^?", "intr = ^C", "eof = ^D"]:
        assert expected in said, f"{expected} is not in {said}"


@claim
def keystrokes():
    """10,000 of them, each typed when the one before has been echoed."""
    terminal = shell()
    terminal.type("stty -icanon; cat >/dev/null\n")
    terminal.expect("null\r\n")
    for number in range(10000):
        key = chr(ord("a") + number % 26)
        os.write(terminal.master, key.encode())
        while not terminal.text:
            assert terminal.read(15), f"keystroke {number} did not come back"
        assert terminal.text == key, (number, terminal.text)
        terminal.text = ""
    terminal.kill()


@claim
def interrupt_key():
    terminal = shell()
    terminal.type("trap 'echo inter''rupted' INT; sleep 100\n")
    terminal.expect("sleep 100\r\n")
    eventually_running(terminal, "sleep")
    terminal.type("\3")
    terminal.expect("interrupted")


def eventually_running(terminal, name):
    """Waits until the daemon's process tree contains such a process."""
    deadline = time.monotonic() + 10
    while not any(found == name for _, found in descendants(int(os.environ["GUARDIAN"]))):
        assert time.monotonic() < deadline, f"no {name} runs"
        time.sleep(0.01)


@claim
def break_reaches_the_program():
    """`~B` sends a break, which interrupts, as on a serial line with brkint."""
    terminal = Terminal("-tt", "host", "trap 'echo inter''rupted; exit 3' INT; echo rea''dy; while :; do sleep 0.1; done")
    terminal.expect("ready\r\n")
    terminal.type("\r~B")
    terminal.expect("interrupted")
    assert terminal.finish()[0] == 3


@claim
def rekeying_while_typing():
    terminal = shell()
    for number in range(3):
        terminal.type("\r~R")
        assert terminal.run(f"echo number {number}") == f"number {number}"
    terminal.type("exit\n")
    assert terminal.finish()[0] == 0


@claim
def message_of_the_day():
    terminal = Terminal("-tt", "host")
    terminal.expect("Today is a good day\r\n")
    terminal.type("exit\n")
    terminal.finish()
    # Commands do not get it.
    terminal = Terminal("-tt", "host", "echo in")
    assert "good day" not in terminal.finish()[1]


@claim
def no_terminals():
    terminal = Terminal("host")
    terminal.expect("PTY allocation request failed")
    terminal.type("tty; echo in; exit 4\n")
    status, text = terminal.finish()
    assert status == 4, (status, text)
    assert "not a tty" in text and "in" in text, text


@claim
def vanished_client():
    """The program on the terminal gets SIGHUP."""
    mark = f"{os.environ['USER_HOME']}/hung-up"
    terminal = Terminal("-tt", "host", f"trap 'echo yes >{mark}; exit' HUP; echo ready; while :; do sleep 0.1; done")
    terminal.expect("ready\r\n")
    terminal.kill()
    deadline = time.monotonic() + 5
    while not os.path.exists(mark):
        assert time.monotonic() < deadline, "no SIGHUP within 5 s"
        time.sleep(0.01)


@claim
def recorded_size():
    """A window whose size changes while nothing is written."""
    terminal = Terminal(
        "-tt", "host", "echo ready; while [ \"$(stty size)\" != '50 120' ]; do sleep 0.05; done; echo sized", rows=37,
        columns=91)
    terminal.expect("ready\r\n")
    terminal.resize(50, 120)
    terminal.expect("sized\r\n")
    assert terminal.finish()[0] == 0


@claim
def exec_with_a_terminal():
    terminal = Terminal("-tt", "host", "echo out; echo err >&2; stty size; exit 9", rows=40, columns=90)
    status, text = terminal.finish()
    assert status == 9
    assert "out\r\n" in text and "err\r\n" in text and "40 90\r\n" in text, text


@claim
def much_output():
    """The output of a terminal that writes much is read to its end."""
    terminal = Terminal("-tt", "host", "seq 1 200000")
    status, text = terminal.finish(30)
    lines = [line for line in text.replace("\r", "").split("\n") if line.isdigit()]
    assert status == 0 and len(lines) == 200000 and lines[-1] == "200000", (status, len(lines))


@claim
def idle_terminal():
    """Keepalives of the client do not count; typed input does, and so does output of a program."""
    terminal = shell(options=["-o", "ServerAliveInterval=1"])
    terminal.expect(r"\r\nbssh: this session ends in 3 seconds \(idle\)\r\n")
    # Nothing has ended yet, and what is typed now restarts the time.
    assert terminal.run("echo more") == "more"
    terminal.expect(r"bssh: this session ends in 3 seconds \(idle\)")
    status, text = terminal.finish()
    assert status == 255 and "idle_timeout" in text, (status, text)
    assert "ends in" not in text, text


@claim
def terminal_whose_time_is_over():
    terminal = Terminal("-tt", "host", "while :; do echo busy; sleep 0.1; done")
    terminal.expect(r"busy\r\n\r\nbssh: this session ends in 2 seconds \(session time limit\)\r\nbusy")
    status, text = terminal.finish()
    assert status == 255 and "session_timeout" in text, (status, text)


@claim
def command_on_a_terminal_whose_time_is_over():
    terminal = Terminal("-tt", "host", "trap 'echo clean''ed; exit 3' TERM; while :; do sleep 0.1; done")
    terminal.expect(r"bssh: this command ends in 1 second \(command time limit\)\r\n")
    status, text = terminal.finish()
    assert "command_timeout" in text and "cleaned" in text and status == 3, (status, text)


main()
