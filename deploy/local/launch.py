"""Turn into another program that cannot outlive the process that started it.

Run by path (`python -I -S launch.py DEATH_SIGNAL PARENT_PID USER program arguments...`), standard library only, because
it stands between a supervisor and every child and has to start at once. USER is `-` to stay who one is.

PostgreSQL refuses to run as root. Where the supervisor is root, the child becomes USER but keeps one capability, to
pass directories that only root may enter, so that a checkout below /root works without opening anybody's directories.
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
    """Become this user for good; on Linux keep the capability to reach files whatever their mode (see the module)."""
    entry = pwd.getpwnam(user)
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True)
    if linux:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # Without it access(2), by which initdb looks for its programs, answers as if the capability were not there.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = "/"
    if linux:
        kept = 1 << CAP_DAC_OVERRIDE
        sets = (_Sets * 2)(_Sets(kept, kept, kept), _Sets(0, 0, 0))
        # Where this is not allowed the child runs with fewer rights; a directory out of its reach is then an error.
        if libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets) == 0:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel for `death_signal` when the parent dies; ends at once if it has died already. Linux only."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main(arguments: list[str]) -> None:
    """Read the command line described in the module and become the program it names."""
    death_signal, parent, user, *command = arguments
    if user != "-":
        become(user)
    # After the change of user: that change clears the wish for a death signal.
    die_with(int(parent), int(death_signal))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - the supervisor's own commands, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
