"""Runs only PostgreSQL and Kafka, for tests and for work on one part: `python -m deploy.local.infra up|down`.

`up` prints two variables. If they are set, tests use these servers instead of starting their own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from deploy.local import kafka, postgres
from deploy.local.keyring import write_private
from deploy.local.locks import AlreadyRunningError, hold, holder
from deploy.local.processes import Family, StartError, free_port

POSTGRES_VARIABLE = "ENLACE_TEST_POSTGRES_URL"
KAFKA_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"

cli = typer.Typer(help=__doc__, no_args_is_help=True)
State = Annotated[Path, typer.Option("--state", help="Directory of data, logs and the lock.")]
DEFAULT_STATE = Path(".enlace/infra")


@dataclass(frozen=True)
class Servers:
    """The two running servers."""

    postgres: postgres.PostgresServer
    kafka: kafka.KafkaNode

    def exports(self) -> str:
        """Shell lines that set the variables with which tests find both servers."""
        return (
            f"export {POSTGRES_VARIABLE}='{self.postgres.url()}'\n"
            f"export {KAFKA_VARIABLE}='{self.kafka.bootstrap_servers}'\n"
        )


async def start(state: Path, *, family: Family) -> Servers:
    """Start both servers at the same time, and wait until both answer."""
    database, node = await asyncio.gather(start_postgres(state, family=family), start_kafka(state, family=family))
    return Servers(postgres=database, kafka=node)


async def start_postgres(
    state: Path, *, family: Family, settings: Mapping[str, str] = MappingProxyType({})
) -> postgres.PostgresServer:
    """Start PostgreSQL on a free port, with these settings in addition to the usual ones."""
    log = state / "logs" / "postgres.log"
    return await postgres.start(state / "postgres", family=family, log=log, port=free_port(), settings=settings)


async def start_kafka(state: Path, *, family: Family) -> kafka.KafkaNode:
    """Start Kafka on two free ports."""
    log = state / "logs" / "kafka.log"
    return await kafka.start(state / "kafka", family=family, log=log, port=free_port(), controller_port=free_port())


@cli.command()
def run(state: State = DEFAULT_STATE) -> None:
    """Keep both servers running until a signal arrives or one of them ends."""
    state = state.resolve()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        with hold(state / "lock"):
            _keep_running(state, stop)
    except (StartError, AlreadyRunningError) as error:
        raise SystemExit(str(error)) from error


def _keep_running(state: Path, stop: threading.Event) -> None:
    family = Family()
    exports = state / "exports"
    try:
        servers = asyncio.run(start(state, family=family))
        write_private(exports, servers.exports())
        while not stop.wait(0.5):
            servers.postgres.child.check()
            servers.kafka.child.check()
    finally:
        exports.unlink(missing_ok=True)
        family.close()


@cli.command()
def up(state: State = DEFAULT_STATE) -> None:
    """Start both servers in the background and print the variables. If they already run, only print the variables."""
    state = state.resolve()
    exports = state / "exports"
    if holder(state / "lock") is None:
        exports.unlink(missing_ok=True)
        (state / "logs").mkdir(parents=True, exist_ok=True)
        with (state / "logs" / "infra.log").open("wb") as log:
            runner = subprocess.Popen(  # noqa: S603 - this module
                [sys.executable, "-m", "deploy.local.infra", "run", "--state", str(state)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        while not exports.exists():
            if runner.poll() is not None:
                raise SystemExit((state / "logs" / "infra.log").read_text())
            time.sleep(0.1)
    while not exports.exists():  # Another `up` is still starting the servers.
        time.sleep(0.1)
    sys.stdout.write(exports.read_text())


@cli.command()
def down(state: State = DEFAULT_STATE) -> None:
    """Stop both servers and wait until they have ended."""
    pid = holder(state / "lock")
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    while pid is not None and holder(state / "lock") == pid:
        time.sleep(0.05)


if __name__ == "__main__":
    cli()
