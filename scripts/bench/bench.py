"""Compares bssh-server with Debian's sshd: in the same run, in turn, and as ratios, since machines differ."""

import argparse
import dataclasses
import statistics
import sys

import access
import audit
import journal
import measures
import recording
import servers
import transfers

AES = "aes128-gcm@openssh.com"
CHACHA = "chacha20-poly1305@openssh.com"


@dataclasses.dataclass
class Measure:
    """One line of the table. `target` is for ours ÷ sshd: an upper limit if less is better, otherwise a lower one."""

    name: str
    unit: str
    target: float
    less_is_better: bool
    function: object
    # It starts and stops the servers by itself.
    own_servers: bool = False
    # `target` applies to our figure, whatever sshd's is.
    absolute: bool = False
    # sshd has no counterpart.
    alone: bool = False


MEASURES = [
    Measure("login-time", "ms", 0.5, True, measures.login_time),
    Measure("login-rate", "logins/s", 2.0, False, measures.login_rate),
    Measure("login-cpu", "ms", 0.7, True, measures.login_cpu, own_servers=True),
    Measure("download-aes128-gcm", "MB/s", 1.1, False, measures.download(AES)),
    Measure("upload-aes128-gcm", "MB/s", 1.1, False, measures.upload(AES)),
    Measure("download-chacha20", "MB/s", 1.1, False, measures.download(CHACHA)),
    Measure("upload-chacha20", "MB/s", 1.1, False, measures.upload(CHACHA)),
    Measure("session-memory", "KB", 0.7, True, measures.session_memory, own_servers=True),
    Measure("sftp-get-aes128-gcm", "MB/s", 1.1, False, transfers.download(AES)),
    Measure("sftp-put-aes128-gcm", "MB/s", 1.1, False, transfers.upload(AES)),
    Measure("sftp-get-chacha20", "MB/s", 1.0, False, transfers.download(CHACHA)),
    Measure("sftp-put-chacha20", "MB/s", 1.0, False, transfers.upload(CHACHA)),
    Measure("sftp-small-get", "files/s", 1.2, False, transfers.small_download),
    Measure("sftp-small-put", "files/s", 1.2, False, transfers.small_upload),
    Measure("sftp-list", "1000/s", 1.2, False, transfers.listing),
    Measure("sftp-cpu", "ms/GB", 1.0, True, transfers.cpu, own_servers=True),
    Measure("sftp-memory", "KB", 20000, True, transfers.memory, absolute=True),
    Measure("audit-events", "events/s", 20000, False, journal.rate, own_servers=True, absolute=True, alone=True),
    Measure("audit-sftp-get", "x", 0.97, False, audit.get, own_servers=True, absolute=True, alone=True),
    Measure("audit-sftp-put", "x", 0.97, False, audit.put, own_servers=True, absolute=True, alone=True),
    Measure("audit-small-get", "x", 0.97, False, audit.small_get, own_servers=True, absolute=True, alone=True),
    Measure("audit-small-put", "x", 0.97, False, audit.small_put, own_servers=True, absolute=True, alone=True),
    Measure("audit-login", "x", 1.05, True, audit.login, own_servers=True, absolute=True, alone=True),
    # As programs write to a terminal, line by line; and in blocks, as cat does.
    Measure("recording", "x", 0.95, False, recording.ratio("grep --line-buffered ."), own_servers=True, absolute=True,
            alone=True),
    Measure("recording-cat", "x", 0.95, False, recording.ratio("cat"), own_servers=True, absolute=True, alone=True),
    Measure("gate-lookup", "ns", 1000, True, access.gate("lookup"), own_servers=True, absolute=True, alone=True),
    Measure("gate-source", "ns", 5000, True, access.gate("source"), own_servers=True, absolute=True, alone=True),
    Measure("gate-memory", "KB", 16384, True, access.gate("memory"), own_servers=True, absolute=True, alone=True),
    Measure("login-in-flood", "x", 2.0, True, access.login_in_flood, own_servers=True, absolute=True, alone=True),
]


@dataclasses.dataclass
class Scale:
    """The amount of work in one round."""

    logins: int
    bytes: int
    sessions: int
    files: int
    entries: int
    events: int


def compare(measure, pair, runs, scale):
    """The medians of ours, of sshd, and of the ratios of the rounds; each round measures both, ours first in every
    other."""
    if measure.alone:
        return statistics.median(measure.function(pair[0], scale) for _ in range(runs)), None, None
    figures = {server.name: [] for server in pair}
    if not measure.own_servers:
        for server in pair:
            server.start()
    try:
        for number in range(runs):
            for server in pair if number % 2 == 0 else reversed(pair):
                figures[server.name].append(measure.function(server, scale))
    finally:
        for server in pair:
            if server.process:
                server.stop()
    ours, theirs = (figures[server.name] for server in pair)
    return (statistics.median(ours), statistics.median(theirs),
            statistics.median(mine / other for mine, other in zip(ours, theirs)))


def main():
    names = [measure.name for measure in MEASURES]
    parser = argparse.ArgumentParser(prog="bench.sh", description=__doc__)
    parser.add_argument("--runs", type=int, metavar="N", help="rounds for each measure (5; with --quick 3)")
    parser.add_argument("--quick", action="store_true", help="few logins and little data: a look, not a result")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--noise", action="store_true", help="sshd against itself: how far from 1.00 chance goes")
    parser.add_argument("--folder", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--data", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--executables", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--user", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    runs = options.runs or (3 if options.quick else 5)
    scale = Scale(5, 128 << 20, 5, 200, 2000, 40000) if options.quick else Scale(20, 1 << 30, 20, 2000, 20000, 400_000)

    sshd = servers.OpenSSH("sshd", options.folder, options.data, options.user)
    if options.noise:
        ours = servers.OpenSSH("sshd-again", options.folder, options.data, options.user)
    else:
        ours = servers.Ours("bssh", options.folder, options.data, options.user, executables=options.executables)
    pair = (ours, sshd)
    if any("sftp" in name or "small" in name for name in options.only or names):
        transfers.prepare(options.data, options.user, scale)

    print(f"median of {runs}, {scale.logins} logins, {scale.bytes >> 20} MiB, {scale.sessions} sessions")
    print(f"{'measure':22}{ours.name:>12}{sshd.name:>12}  {'unit':10}{'ratio':>6}  target", flush=True)
    missed = 0
    for measure in MEASURES:
        if options.only and measure.name not in options.only or options.noise and measure.alone:
            continue
        mine, other, ratio = compare(measure, pair, runs, scale)
        if measure.alone:
            digits = 2 if measure.unit == "x" else 1
            line = f"{measure.name:22}{mine:12.{digits}f}{'':12}  {measure.unit:10}{'':6}"
        else:
            line = f"{measure.name:22}{mine:12.1f}{other:12.1f}  {measure.unit:10}{ratio:6.2f}"
        if options.noise:
            print(line, flush=True)
            continue
        figure = mine if measure.absolute else ratio
        reached = figure <= measure.target if measure.less_is_better else figure >= measure.target
        missed += not reached
        sign = "≤" if measure.less_is_better else "≥"
        unit = f" {measure.unit}" if measure.absolute else ""
        print(f"{line}  {sign} {measure.target}{unit}  {'ok' if reached else 'missed'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
