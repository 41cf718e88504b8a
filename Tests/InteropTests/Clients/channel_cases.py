"""Operations of clients on channels that other servers have got wrong."""

import os
import time

from claims import claim, main
from rawssh import *


def command(peer, line, number=0, **options):
    """The output of a command on its two streams, and how it ended: a status, or the name of a signal."""
    return peer.open_channel(number=number, **options).execute(line).output()


def ask(peer, channel, name, rest=b""):
    """Whether the server grants a request."""
    peer.send(channel.ask(name, rest))
    peer.expect(CHANNEL_SUCCESS, CHANNEL_FAILURE)
    return peer.last == CHANNEL_SUCCESS


class Asking(Peer):
    """Returns the number of the last message, ignoring window adjustments."""

    def receive(self, *more, **options):
        payload = super().receive(*more, **options)
        self.last = payload[0]
        return payload

    def expect(self, *numbers, **options):
        while True:
            reply = super().expect(*numbers, CHANNEL_WINDOW_ADJUST, **options)
            if self.last in numbers:
                return reply


def login():
    return Asking().login()


# Commands


@claim
def fast_commands_are_complete():
    """Each status is sent, and CLOSE comes last: 300 in a row, for a client that waits for it."""
    peer = login()
    for number in range(300):
        channel = peer.open_channel().execute(f"printf out; printf err >&2; exit {number % 256}")
        output, errors, seen = b"", b"", []
        while "close" not in seen:
            payload = peer.receive()
            reader = Reader(payload[5:])
            if payload[0] == CHANNEL_DATA:
                output += reader.string()
            elif payload[0] == CHANNEL_EXTENDED_DATA:
                reader.uint32()
                errors += reader.string()
            elif payload[0] == CHANNEL_REQUEST and reader.text() == "exit-status":
                reader.boolean()
                seen.append(reader.uint32())
            elif payload[0] in (CHANNEL_EOF, CHANNEL_CLOSE):
                seen.append("end" if payload[0] == CHANNEL_EOF else "close")
        peer.send(channel.close())
        assert (output, errors) == (b"out", b"err"), (number, output, errors)
        assert seen.count("end") == 1 and seen.count(number % 256) == 1 and len(seen) == 3, (number, seen)


@claim
def output_waits_for_a_slow_client():
    """The program ends long before its client reads, with a window of 1 byte and more."""
    peer = login()
    for size, window in [(300, 1), (200_000, 1024), (1_000_000, 40_000)]:
        channel = peer.open_channel(window=window).execute(f"head -c {size} /dev/zero; exit 5")
        received, status = 0, None
        while (payload := peer.receive())[0] != CHANNEL_CLOSE:
            reader = Reader(payload[5:])
            if payload[0] == CHANNEL_DATA:
                received += len(reader.string())
                peer.send(channel.adjust(window))
            elif payload[0] == CHANNEL_REQUEST and reader.text() == "exit-status":
                reader.boolean()
                status = reader.uint32()
        peer.send(channel.close())
        assert (received, status) == (size, 5), (received, status)


@claim
def odd_commands():
    peer = login()
    for line, output, status in [
        (b" ", b"", 0), (b"echo a\necho b\nexit 3", b"a\nb\n", 3), ("echo ünïcödé 测试".encode(), None, 0),
        (b"printf '\xff\xfe'", b"\xff\xfe", 0), (b"exit 256", b"", 0),
    ]:
        found = command(peer, line)
        assert found[2] == status and found[0] == (line[5:] + b"\n" if output is None else output), (line, found)
    for line, status in [(b"/nonexistent/program", 127), (b"/etc/passwd", 126)]:
        assert command(peer, line)[2] == status, line
    assert command(peer, b"'unbalanced")[2] not in (None, 0)
    for size in [8_000, 32_000, 100_000, 130_000]:
        assert command(peer, b"echo " + b"x" * size + b" | wc -c")[0].strip() == b"%d" % (size + 1), size


@claim
def an_empty_command_is_answered():
    """The shell has nothing to do, and exits with 0."""
    peer = login()
    channel = peer.open_channel()
    peer.send(channel.ask("exec", string("")))
    peer.expect(CHANNEL_SUCCESS)
    assert channel.output() == (b"", b"", 0)


@claim
def a_nul_cuts_no_command_short():
    peer = login()
    assert not ask(peer, peer.open_channel(), "exec", string(b"echo one\0; echo two"))
    assert command(peer, "echo goes on", number=1)[0] == b"goes on\n"


# Variables


def variables(pairs, line):
    """The variables that are granted, and the output of a command that has them."""
    peer = login()
    channel = peer.open_channel()
    granted = [ask(peer, channel, "env", string(name) + string(value)) for name, value in pairs]
    return granted, channel.execute(line).output()[0]


@claim
def odd_values_of_variables():
    assert variables([("LC_EMPTY", "")], "echo ${LC_EMPTY-unset}.") == ([True], b".\n")
    assert variables([("LC_A", "1"), ("LC_A", "2")], "echo $LC_A; env | grep -c ^LC_A=") == ([True] * 2, b"2\n1\n")
    assert variables([("LC_NL", "a\nb")], 'echo "$LC_NL"') == ([True], b"a\nb\n")
    assert variables([("LC_U", b"\xff\xc3")], 'printf %s "$LC_U" | od -An -tx1') == ([True], b" ff c3\n")
    # A value that is this long is refused, and the command runs.
    assert variables([("LC_BIG", "x" * 100_000)], "echo ${#LC_BIG}") == ([False], b"0\n")


@claim
def names_of_variables_that_nobody_sets():
    for name in ["PATH", "LD_PRELOAD", "LC_A=B", "", "LC_\0X", "1LC_", "IFS"]:
        granted, output = variables([(name, "evil")], "env")
        assert granted == [False] and b"evil" not in output, (name, granted)


@claim
def as_many_variables_as_with_sshd():
    granted, output = variables([(f"LC_{number}", "v") for number in range(200)], "env | grep -c '^LC_[0-9]'")
    assert granted == [True] * 128 + [False] * 72 and output == b"128\n", (granted.count(True), output)


# Terminals

END = b"\0"


def terminal(peer, term="xterm", size=(80, 24, 0, 0), modes=END, line="stty size; echo TERM=$TERM; stty -a"):
    """The output of a command on a terminal that was requested with these fields; None if there is none."""
    channel = peer.open_channel()
    if not ask(peer, channel, "pty-req", string(term) + b"".join(map(uint32, size)) + string(modes)):
        peer.send(channel.close())
        peer.expect(CHANNEL_CLOSE)
        return None
    output, _, status = channel.execute(line).output()
    assert status == 0, (term, size, modes, status)
    return output.decode().replace("\r", "")


def mode(number, value):
    return byte(number) + uint32(value)


@claim
def odd_sizes_of_terminals():
    peer = login()
    for size, shown in [((0, 0, 0, 0), "0 0"), ((65535, 65535, 0, 0), "65535 65535"), ((80, 24, 0, 0), "24 80")]:
        assert terminal(peer, size=size).startswith(shown + "\n"), size
    for size in [(0xFFFFFFFF,) * 4, (70_000, 3, 0, 0)]:
        assert terminal(peer, size=size) is not None, size


@claim
def odd_names_of_terminals():
    peer = login()
    assert "24 80\nTERM=" in terminal(peer, term="")
    assert "TERM=" + "x" * 300 + "\n" in terminal(peer, term="x" * 300)
    assert command(peer, "echo alive")[0] == b"alive\n"


@claim
def odd_modes_of_terminals():
    peer = login()
    for modes in [b"", mode(53, 0), mode(170, 1) + END, mode(53, 0) * 700 + END, b"\x35\0\0"]:
        assert terminal(peer, modes=modes) is not None, modes
    for modes, shown in [
        (mode(100, 1) + mode(150, 1) + mode(42, 1) + END, " iutf8"), (mode(42, 0) + END, "-iutf8"),
        (mode(128, 9600) + mode(129, 9600) + END, "speed 9600 baud"), (mode(1, 24) + END, "intr = ^X"),
        (mode(3, 255) + END, "erase = <undef>"),
    ]:
        assert shown in terminal(peer, modes=modes), (modes, shown)
    assert terminal(peer, modes=mode(128, 12345) + mode(129, 0) + END) is not None


@claim
def a_second_terminal_and_a_size_without_one_are_refused():
    peer = login()
    channel = peer.open_channel()
    size = b"".join(map(uint32, (80, 24, 0, 0)))
    assert not ask(peer, channel, "window-change", size)
    assert ask(peer, channel, "pty-req", string("xterm") + size + string(END))
    assert not ask(peer, channel, "pty-req", string("xterm") + size + string(END))
    assert channel.execute("tty").output()[2] == 0


# Signals, and requests of the connection


@claim
def deaths_by_signals_have_their_names():
    """RFC 4254, section 6.10 names thirteen."""
    peer = login()
    for name in "ABRT ALRM FPE HUP ILL INT KILL PIPE SEGV TERM USR1 USR2".split():
        assert command(peer, f"ulimit -c 0; kill -{name} $$")[2] == name, name
    assert command(peer, "ulimit -c 0; exec python3 -c 'import os; os.kill(os.getpid(), 3)'")[2] == "QUIT"
    # Others get a name of this implementation; RFC 4250, section 4.6.1.
    for name in ["BUS", "XCPU", "SYS", "TRAP"]:
        found = command(peer, f"ulimit -c 0; kill -{name} $$")[2]
        assert found not in (None, 0), (name, found)


@claim
def signals_of_clients():
    peer = login()
    for sent, ends in [("INT", "INT"), ("TERM", "TERM"), ("HUP", "HUP"), ("KILL", "KILL"), ("USR1", "USR1")]:
        channel = peer.open_channel().execute("echo ready; exec sleep 20")
        assert peer.expect(CHANNEL_DATA).uint32() == 0
        # No signal has such a name.
        for unknown in ["NOSUCH", "", "SIGSIGTERM"]:
            peer.send(channel.ask("signal", string(unknown), wants_reply=False))
        peer.send(channel.ask("signal", string(sent), wants_reply=False))
        assert channel.output()[2] == ends, sent


@claim
def unknown_requests_are_answered():
    peer = login()
    for name in [
        "keepalive@openssh.com", "no-such-request@example.org", "elevation", "keepalive@libssh.org",
        "winadj@putty.projects.tartarus.org", "",
    ]:
        peer.send(byte(GLOBAL_REQUEST) + string(name) + boolean(True))
        peer.expect(REQUEST_FAILURE, REQUEST_SUCCESS)
    assert not ask(peer, peer.open_channel(), "winadj@putty.projects.tartarus.org")


@claim
def no_more_sessions():
    peer = login()
    peer.send(byte(GLOBAL_REQUEST) + string("no-more-sessions@openssh.com") + boolean(False))
    peer.send(byte(CHANNEL_OPEN) + string("session") + uint32(0) + uint32(1 << 20) + uint32(1 << 15))
    try:
        peer.expect(CHANNEL_OPEN_FAILURE)
    except Disconnected:
        pass


# Messages built by hand


@claim
def unknown_messages_are_answered_as_such():
    """RFC 4253, section 11.4."""
    peer = login()
    for number in [127, 191, 192, 200, 255]:
        peer.send(byte(number) + b"hello")
        peer.expect(UNIMPLEMENTED)


@claim
def messages_that_mean_nothing_go_by():
    peer = login()
    for message in [
        byte(IGNORE) + string("x" * 20_000), byte(IGNORE) + string(""),
        byte(DEBUG) + boolean(True) + string("hello\x1b[31m") + string(""), byte(UNIMPLEMENTED) + uint32(5),
    ]:
        peer.send(message)
        assert command(peer, "echo goes on")[0] == b"goes on\n", message


@claim
def data_within_a_key_exchange_ends_the_connection():
    """After its own KEXINIT a client sends nothing else: RFC 4253, section 7.1."""
    peer = login()
    channel = peer.open_channel().execute("cat")
    peer.send(peer.kexinit(), channel.data(b"too early"))
    try:
        while True:
            peer.receive_packet()
    except (Disconnected, ConnectionError):
        pass


@claim
def empty_data_and_requests_behind_the_end():
    peer = login()
    channel = peer.open_channel().execute("cat; sleep 0.2; echo end; exit 3")
    size = b"".join(map(uint32, (80, 24, 0, 0)))
    extended = byte(CHANNEL_EXTENDED_DATA) + uint32(channel.number) + uint32(1) + string("on standard error")
    for message in [channel.data(b""), channel.adjust(0), channel.data(b"a"), extended, channel.end()]:
        peer.send(message)
    peer.send(channel.ask("window-change", size, wants_reply=False))
    output, _, status = channel.output()
    assert output == b"aend\n" and status == 3, (output, status)
    assert command(peer, "echo goes on")[0] == b"goes on\n"


main()
