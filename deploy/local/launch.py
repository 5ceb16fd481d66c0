"""Replaces itself with another program that ends when the process that started it ends.

It is run by path (`python -I -S launch.py DEATH_SIGNAL PARENT_PID USER program arguments...`). Every child of a
supervisor is started through it and it must start quickly, so it uses only the standard library. If USER is `-`, the
user does not change.

PostgreSQL refuses to run as root. If the supervisor is root, the child changes to USER but keeps one capability: it can
enter directories that only root may enter. So a checkout below /root works without a change of the permissions there.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def become(user: str) -> None:
    """Change to this user permanently. On Linux, keep the capability to access files of any mode (see the module)."""
    entry = pwd.getpwnam(user)
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True)
    if linux:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # initdb looks for its programs with access(2). Without this, access(2) would ignore the capability.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = "/"
    if linux:
        kept = 1 << CAP_DAC_OVERRIDE
        sets = (_Sets * 2)(_Sets(kept, kept, kept), _Sets(0, 0, 0))
        # If this is not allowed, the child runs with fewer rights. A directory that it cannot enter is then an error.
        if libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets) == 0:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel to send `death_signal` when the parent dies. Exits at once if it has already died. Linux only."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main(arguments: list[str]) -> None:
    """Read the command line (see the module) and replace this process with the program that it names."""
    death_signal, parent, user, *command = arguments
    if user != "-":
        become(user)
    # This comes after the change of user, because that change removes the death signal.
    die_with(int(parent), int(death_signal))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - the supervisor's own commands, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
