"""Runs a command with a system call filter that forbids Landlock, as containers do: without_landlock.py COMMAND..."""
import ctypes
import os
import struct
import sys

# landlock_create_ruleset, landlock_add_rule and landlock_restrict_self have these numbers on every architecture.
FIRST, LAST = 444, 446
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
EPERM = 1

program = [
    (0x20, 0, 0, 0),  # the number of the call
    (0x35, 0, 2, FIRST),  # smaller: allow
    (0x25, 1, 0, LAST),  # greater: allow
    (0x06, 0, 0, 0x00050000 | EPERM),
    (0x06, 0, 0, 0x7FFF0000),
]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


libc = ctypes.CDLL(None, use_errno=True)
if os.geteuid() != 0 and libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
    sys.exit("PR_SET_NO_NEW_PRIVS")
loaded = Filter(len(program), ctypes.addressof(code))
if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(loaded), 0, 0) != 0:
    sys.exit("PR_SET_SECCOMP")
os.execvp(sys.argv[1], sys.argv[1:])
