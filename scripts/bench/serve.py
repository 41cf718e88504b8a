"""Runs a server and reports, at its end, the processor time of everything that it ever started.

    python3 serve.py REPORT COMMAND…

Processes that the server leaves behind become children of this one, so none is missed: getrusage(2) then counts
every descendant when it is waited for. On SIGTERM the server is told to end, remaining processes are ended too, and
the seconds are written to the file REPORT.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def children(of):
    """The processes whose parent is `of`."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == of:
            found.append(int(name))
    return found


def main():
    report, command = sys.argv[1], sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("serve.py: this kernel knows no subreapers")
    # Ctrl-C reaches the whole process group; who started this one then sends SIGTERM.
    signals = {signal.SIGTERM, signal.SIGCHLD, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server = subprocess.Popen(command, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, signals))
    ending = False
    while True:
        if signal.sigwait(signals) == signal.SIGTERM:
            ending = True
            if server.returncode is None:
                os.kill(server.pid, signal.SIGTERM)
        # Reaps processes itself, since Popen knows only one child.
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
                if ended[0] == server.pid:
                    server.returncode = os.waitstatus_to_exitcode(ended[1])
        except ChildProcessError:
            break
        if server.returncode is not None:
            for left in children(os.getpid()):
                os.kill(left, signal.SIGTERM)
    if not ending:
        sys.exit(f"serve.py: the server ended by itself ({server.returncode})")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(report, "w", encoding="utf-8") as file:
        file.write(f"{usage.ru_utime + usage.ru_stime:.6f}\n")


if __name__ == "__main__":
    main()
