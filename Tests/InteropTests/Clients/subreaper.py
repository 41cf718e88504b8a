"""Runs a program and reports everything that it starts: prints `pid N`, passes its standard error on, and prints
`exit CODE` when it ends. When standard input is then closed, prints `left PID NAME` for each process that the
program left behind, and ends them. PR_SET_CHILD_SUBREAPER, prctl(2)."""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

from processes import descendants

PR_SET_CHILD_SUBREAPER = 36


def reap():
    """Reaps those that have ended; a pipe wakes us when there are more."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr, close_fds=True)
    os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
    print(f"pid {child.pid}", flush=True)
    reported = False
    while True:
        ready, _, _ = select.select([0, awake], [], [])
        if awake in ready:
            os.read(awake, 4096)
        for pid, status in reap():
            if pid == child.pid and not reported:
                reported = True
                print(f"exit {os.waitstatus_to_exitcode(status)}", flush=True)
        if 0 in ready and not os.read(0, 4096):
            break
    # The time that processes left by the daemon have to end by themselves.
    deadline = time.monotonic() + 5
    while descendants(os.getpid()) and time.monotonic() < deadline:
        select.select([awake], [], [], 0.05)
        list(reap())
    while left := descendants(os.getpid()):
        for pid, name in left:
            print(f"left {pid} {name}", flush=True)
            os.kill(pid, signal.SIGKILL)
        select.select([awake], [], [], 0.2)
        list(reap())


main()
