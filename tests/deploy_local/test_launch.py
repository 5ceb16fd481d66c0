"""Becoming another user: PostgreSQL's programs must be found where only root may enter, as in a private checkout."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import launch


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_program_in_a_directory_that_only_root_may_enter_is_found(tmp_path: Path) -> None:
    """Seen to fail without SECBIT_NO_SETUID_FIXUP: initdb asks access(2), which then forgets the capability."""
    private = tmp_path / "años y casas"
    private.mkdir(mode=0o700)
    program = private / "initdb"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    ask = "import os, sys; sys.exit(0 if os.getuid() and os.access(sys.argv[1], os.X_OK) else 1)"
    command = [sys.executable, "-I", "-S", "-c", ask, str(program)]
    launcher = [sys.executable, "-I", "-S", launch.__file__, str(int(signal.SIGKILL)), str(os.getpid()), "nobody"]
    assert subprocess.run([*launcher, *command], check=False).returncode == 0
