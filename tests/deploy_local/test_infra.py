"""PostgreSQL and Kafka alone: `python -m deploy.local.infra`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local.installation import ROOT
from deploy.local.locks import AlreadyRunningError, hold, holder


def infra(verb: str, state: Path) -> str:
    command = [sys.executable, "-m", "deploy.local.infra", verb, "--state", str(state)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=150).stdout


async def test_up_prints_the_variables_and_down_leaves_no_process(tmp_path: Path) -> None:
    printed = infra("up", tmp_path)
    runner = holder(tmp_path / "lock")
    assert runner is not None
    processes = [psutil.Process(runner), *psutil.Process(runner).children(recursive=True)]
    try:
        url = next(line for line in printed.splitlines() if "POSTGRES" in line).split("'")[1]
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
        await connection.close()
        assert infra("up", tmp_path) == printed
    finally:
        infra("down", tmp_path)
    servers = [process for process in processes if process.pid != runner and process.is_running()]
    assert not servers
    assert not psutil.wait_procs(processes, timeout=20)[1]
    assert not (tmp_path / "exports").exists()


def test_a_test_session_that_is_killed_leaves_no_server(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys, time\n"
        "from deploy.local.infra import start_postgres\n"
        "from deploy.local.processes import Family\n"
        "family = Family()\n"
        "asyncio.run(start_postgres(pathlib.Path(sys.argv[1]), family=family))\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == b"ready\n"
        children = psutil.Process(session.pid).children(recursive=True)
        session.send_signal(signal.SIGKILL)
    assert len(children) > 3
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_a_lock_names_its_holder_and_is_free_when_the_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None
    with hold(path):
        assert holder(path) == os.getpid()
        with pytest.raises(AlreadyRunningError, match=str(os.getpid())), hold(path):
            pass
    assert holder(path) is None
    program = (
        "import pathlib, sys, time; from deploy.local.locks import hold\n"
        "with hold(pathlib.Path(sys.argv[1])): time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=ROOT) as other:
        until = time.monotonic() + 90
        while holder(path) != other.pid:
            assert time.monotonic() < until
            time.sleep(0.02)
        other.kill()
    assert holder(path) is None
