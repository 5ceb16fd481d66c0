"""`python -m tests.attack` (make attack): every attack that was ever tried, on a system of its own; a table at the end.

The token matrix, rows of other tenants and made-up requests go over HTTP to the four services as processes, started on
127.0.0.1 as `make up` starts them. What needs a fault that cannot be had from outside runs as tests (`suites.py`).
Exits with 1 if anything was answered otherwise than it must be.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer
from fastapi import FastAPI
from rich.console import Console
from rich.table import Table

from deploy.local.installation import SERVICES, Installation, ServiceProcess
from deploy.local.issuer import signing_key
from deploy.local.pack_loading import load_pack_once
from deploy.local.supervisor import System, running_system
from deploy.local.tokens import AccessTokens
from libs.chassis.http_settings import UNLIMITED
from tests.attack.fuzzing import fuzz
from tests.attack.suites import SUITES, run_suite
from tests.attack.tokens import Line, foreign_rows, operations_of, token_matrix
from tests.contract.apis import SETTINGS, Api, callers_of
from tests.contract.seeds import seeds_of
from tests.served import IssuerForTests

SHOWN_MOST = 20
SERVICES_SHARE = len(SERVICES)


def main(
    requests: Annotated[int, typer.Option(help="Made-up requests, over all services together.")] = 100_000,
    minutes: Annotated[float, typer.Option(help="The longest that these may take.")] = 60.0,
    seed: Annotated[int | None, typer.Option(help="Of the made-up requests; drawn without one.")] = None,
    suites: Annotated[bool, typer.Option(help="Run the attacks that are tests too.")] = True,
) -> None:
    """Attack, and tell what came of it."""
    drawn = secrets.randbelow(2**32) if seed is None else seed
    print(f"seed {drawn}", flush=True)
    lines = asyncio.run(_at_the_system(requests=requests, minutes=minutes, seed=drawn))
    for name, files in SUITES.items() if suites else ():
        print(f"{name} …", flush=True)
        lines.append(run_suite(name, files))
    sys.exit(report(lines))


def report(lines: list[Line]) -> int:
    """Print the table; 1 if anything deviates, or an attack was not tried at all."""
    table = Table("attack", "tries", "deviations")
    for line in lines:
        table.add_row(line.attack, f"{line.tries:,}", str(len(line.deviations)))
    found = [(line.attack, one) for line in lines for one in line.deviations]
    table.add_section()
    table.add_row("in all", f"{sum(line.tries for line in lines):,}", str(len(found)))
    console = Console(width=120)
    console.print(table)
    for attack, deviation in found[:SHOWN_MOST]:
        console.print(f"{attack}: {deviation}", markup=False)
    return int(bool(found) or any(not line.tries for line in lines))


async def _at_the_system(*, requests: int, minutes: float, seed: int) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="enlace-attack-") as directory:
        os.environ["KAFKA_PLAINTEXT_ALLOWED"] = "loopback"
        # What bounds the rate of a caller would else answer in place of what is looked for; it has tests of its own.
        installation = Installation(state=Path(directory), extra=UNLIMITED)
        async with running_system(installation, say=lambda step: print(step, flush=True)) as system:
            await load_pack_once(installation, lambda _: None)
            return [line async for line in _lines(system, requests=requests, minutes=minutes, seed=seed)]


async def _lines(system: System, *, requests: int, minutes: float, seed: int) -> Any:
    issuer = _issuer(system)
    tokens: dict[str, Line] = {}
    for service in SERVICES:
        url, app = system.environment[service.url_variable], _app_of(system, service)
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            for line in await token_matrix(app, client, issuer):
                sum_ = tokens.setdefault(line.attack, Line(f"token: {line.attack}"))
                sum_.tries += line.tries
                sum_.deviations += [f"{service.name} {one}" for one in line.deviations]
        print(f"tokens at {service.name}: {len(operations_of(app))} operations", flush=True)
    for line in tokens.values():
        yield line
    statuses: Counter[int] = Counter()
    for place, service in enumerate(SERVICES):
        url, app = system.environment[service.url_variable], _app_of(system, service)
        owner = uuid4()
        api = Api(url, app.openapi(), callers_of(service.name, app.openapi(), issuer, owner), seeds_of(service.name))
        until = time.monotonic() + minutes * 60 / SERVICES_SHARE
        share = requests // SERVICES_SHARE + (place < requests % SERVICES_SHARE)
        line, answered = await asyncio.to_thread(fuzz, service.name, api, requests=share, seed=seed, until=until)
        statuses += answered
        print(f"{line.attack}: {line.tries} sent", flush=True)
        yield line
        # Now there are rows, of this owner and of nobody else.
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            database = next(iter(service.databases))
            own = system.databases[database]
            rows = await foreign_rows(app, client, issuer, database_url=own, stranger=uuid4())
            rows.attack = f"rows of another tenant: {service.name}"
            yield rows
    print(f"answers to made-up requests: {dict(sorted(statuses.items()))}", flush=True)
    yield _still_well(system)


def _still_well(system: System) -> Line:
    """Nothing of all this has ended a process, or stopped its work."""
    line = Line("the services afterwards: up, ready, at work")
    for service in SERVICES:
        for path in ("/readyz", "/workz"):
            line.tries += 1
            status = httpx.get(
                f"{system.environment[service.url_variable]}{path}", trust_env=False, timeout=30
            ).status_code
            line.deviations += [] if status == httpx.codes.OK else [f"{service.name} {path}: {status}"]
        restarts = system.parts[service.name].restarts
        line.deviations += [f"{service.name} has ended {restarts} times"] if restarts else []
    return line


def _issuer(system: System) -> IssuerForTests:
    """Makes tokens with the key of this installation's issuer, also such as it never would."""
    issuer = IssuerForTests(system.environment["ENLACE_ISSUER_URL"])
    issuer.tokens = AccessTokens(issuer=issuer.url, key=signing_key(system.installation.keyring))
    return issuer


def _app_of(system: System, service: ServiceProcess) -> FastAPI:
    """The application that runs there, for its routes; it is not started here."""
    name, own = SETTINGS[service.name]
    databases = dict(zip(("database_url", "keys_database_url"), service.databases, strict=False))
    settings = getattr(import_module(f"services.{service.name}.settings"), name)(
        **{field: system.databases[variable] for field, variable in databases.items()},
        kafka_bootstrap_servers="127.0.0.1:9",
        token_issuer=system.environment["ENLACE_ISSUER_URL"],
        token_jwks_url=system.environment["ENLACE_TOKEN_JWKS_URL"],
        fingerprint_key="of-no-use-here-it-serves-nothing",
        role="api",
        **own,
    )
    app: FastAPI = import_module(f"services.{service.name}.app").create_app(settings)
    return app


if __name__ == "__main__":
    typer.run(main)
