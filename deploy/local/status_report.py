"""The report of `make status`: the processes and their health, and the events that wait between the services."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from deploy.local.installation import SERVICES, Installation, ServiceProcess, kafka_of, read_dotenv
from deploy.local.running import read_record
from libs.chassis.walls import WORKS_FOR
from libs.events.cluster import Cluster


@dataclass(frozen=True)
class Backlog:
    """The events that wait in one service."""

    service: str
    outbox: int
    outbox_seconds: float
    behind: int
    parked_keys: int
    trouble: str | None = None

    @property
    def well(self) -> bool:
        """True if nothing is parked and all figures could be read. Events that wait are no fault."""
        return self.trouble is None and self.parked_keys == 0


async def print_report(installation: Installation, console: Console) -> bool:
    """Print both tables; returns True if every process is ready and nothing is parked."""
    record = read_record(installation.state)
    if record is None or not record["ready"]:
        console.print(f"starting: {record['step'] if record else '...'}")
        return False
    values = read_dotenv(installation.env_file.read_text(encoding="utf-8").splitlines())
    well = await _print_processes(record, console)
    backlogs = await asyncio.gather(*(_backlog(service, values) for service in SERVICES))
    console.print(_backlog_table(backlogs))
    return well and all(backlog.well for backlog in backlogs)


async def _print_processes(record: dict[str, Any], console: Console) -> bool:
    table = Table(box=None, header_style="bold")
    for title in ("process", "pid", "restarts", "address", "health"):
        table.add_column(title)
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        states = await asyncio.gather(*(_health(client, part) for part in record["parts"]))
    for part, state in zip(record["parts"], states, strict=True):
        shown = "[green]ready[/green]" if state is None else f"[red]{state}[/red]"
        table.add_row(part["name"], str(part["pid"] or ""), str(part["restarts"]), part["url"] or "", shown)
    console.print(table)
    return all(state is None for state in states)


async def _health(client: httpx.AsyncClient, part: dict[str, Any]) -> str | None:
    """None if every part of a process is ready, also its work in the background; otherwise the parts that are not."""
    if part["pid"] is None:
        return "starting again"
    if part["url"] is None:
        return None
    try:
        answer = await client.get(part["url"] + part["ready_path"])
    except httpx.HTTPError as error:
        return type(error).__name__
    parts = answer.json().get("parts", {})
    unready = ", ".join(f"{name}: {part.get('why')}" for name, part in parts.items() if not part.get("ready"))
    return unready or (None if answer.is_success else f"answered {answer.status_code}")


def _backlog_table(backlogs: list[Backlog]) -> Table:
    table = Table(box=None, header_style="bold")
    for title in ("service", "outbox", "oldest", "consumer behind", "parked keys", ""):
        table.add_column(title)
    for backlog in backlogs:
        table.add_row(
            backlog.service,
            str(backlog.outbox),
            f"{backlog.outbox_seconds:.1f} s",
            str(backlog.behind),
            str(backlog.parked_keys),
            backlog.trouble or "",
        )
    return table


async def _backlog(service: ServiceProcess, values: dict[str, str]) -> Backlog:
    url = values[next(iter(service.databases))]
    try:
        connection = await asyncpg.connect(url, timeout=5, server_settings={WORKS_FOR: "service"})
        try:
            waiting = await connection.fetchval("select count(*) from outbox")
            seconds = await connection.fetchval(
                "select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from outbox"
            )
            parked = await connection.fetchval("select count(*) from parked_key")
            positions = await connection.fetch("select topic, partition, next_offset from consumer_position")
        finally:
            await connection.close()
        behind = await _behind(kafka_of(values), positions)
    except (OSError, asyncpg.PostgresError) as error:
        return Backlog(service.name, 0, 0.0, 0, 0, trouble=type(error).__name__)
    return Backlog(service.name, waiting, seconds, behind, parked)


async def _behind(cluster: Cluster, positions: list[asyncpg.Record]) -> int:
    """The number of offsets between the service's positions and the ends of its partitions."""
    if not positions:
        return 0
    consumer = AIOKafkaConsumer(**cluster.options())
    await consumer.start()
    try:
        reached: dict[TopicPartition, int] = defaultdict(int)
        for topic, partition, offset in positions:
            reached[TopicPartition(topic, partition)] = offset
        ends = await consumer.end_offsets(list(reached))
        return sum(max(0, end - reached[partition]) for partition, end in ends.items())
    finally:
        await consumer.stop()
