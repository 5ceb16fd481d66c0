"""A run that is stopped by hand leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.installation import ROOT

pytestmark = [pytest.mark.journey]
GONE_WITHIN_SECONDS = 30.0


def test_a_run_that_is_stopped_leaves_no_process_and_no_directory_behind(tmp_path: Path) -> None:
    """Stopped while services start, when most is half done. Seen to fail when the signal's handler is not set."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "tests.chaos", "--minutes", "5", "--seed", "1"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert any("starting the four services" in line for line in run.stdout)
        family = psutil.Process(run.pid).children(recursive=True)
        assert len(family) > 5
        run.send_signal(signal.SIGTERM)
        run.stdout.read()
    assert run.returncode == 130
    _, alive = psutil.wait_procs(family, timeout=GONE_WITHIN_SECONDS)
    assert alive == []
    assert list(tmp_path.glob("enlace-chaos-*")) == []
