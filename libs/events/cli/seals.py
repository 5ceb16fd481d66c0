"""`seals`: the seals that a service has published over its record of access, for `verify-audit --seals`."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from libs.events.cli.options import Brokers
from libs.events.cli.output import ended, finish
from libs.events.cluster import Cluster
from libs.events.operating.logs import reading
from libs.events.signing import PUBLIC_VARIABLE, EventKeys, Keyring
from libs.events.topics import TOPICS


def seals(
    service: Annotated[str, typer.Argument(help="registration or referral.")], bootstrap_servers: Brokers
) -> None:
    """Print every seal that a service has published, one JSON object per line; exit code 1 for a wrong signature.

    It needs the rights of an auditor, because the ACL of the topic allows nobody else to read. Run it on a machine
    where the owner of the database cannot change the output.
    """
    topic = f"enlace.{service}-audit"
    if topic not in TOPICS:
        raise typer.BadParameter("no such service has a record of access", param_hint="SERVICE")
    file = os.environ.get(f"{PUBLIC_VARIABLE}_FILE")
    public = os.environ.get(PUBLIC_VARIABLE) or (None if file is None else Path(file))
    if public is None:
        raise typer.BadParameter(f"the environment variable is missing: {PUBLIC_VARIABLE} (or {PUBLIC_VARIABLE}_FILE)")
    keys = EventKeys.named(service, private=None, public=public)
    told, faults = finish(read_seals(bootstrap_servers, topic, writer=service, keyring=keys.keyring))
    for one in told:
        typer.echo(json.dumps(one))
    if faults:
        raise ended(faults)


async def read_seals(
    brokers: str | Cluster, topic: str, *, writer: str, keyring: Keyring
) -> tuple[list[dict[str, Any]], list[str]]:
    """The seals of a topic in their order, and one sentence for each record without a valid signature."""
    told: list[dict[str, Any]] = []
    faults: list[str] = []
    async with reading(brokers) as logs:
        bounds = await logs.bounds(await logs.partitions_of(topic))
        for name, there in bounds.items():
            async for records in logs.records(name, there.first, there.end):
                for record in records:
                    fault = keyring.fault(record, writer=writer)
                    if fault is None:
                        told.append(json.loads(record.value or b"{}"))
                    else:
                        faults.append(f"{topic} {name.partition}, offset {record.offset}: {fault}")
    return told, faults
