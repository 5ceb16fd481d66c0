"""Zipkin, and the process that passes the services' spans on to it (`make up TRACES=1`)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.jars import ZIPKIN_LOCK, Progress, cache_directory, fetch, read_lock
from deploy.local.kafka_node import java
from deploy.local.processes import Child, Family
from deploy.local.waiting import until_ready
from libs.chassis.trace_links import TRACE_URL_VARIABLE, checked_template

TracesOption = Annotated[bool, typer.Option("--traces", help="Start Zipkin too, to look at the services' traces.")]
ZIPKIN, RECEIVER = "zipkin", "trace-receiver"
"""The names of the two processes, and of their ports."""
ZIPKIN_HEALTH = "/health"
START_SECONDS = 180.0
SPANS_MAX = 100_000
"""Zipkin deletes the oldest traces when it has more spans. They fit into its memory."""

_JVM = (
    *("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"),
    *("-Djava.awt.headless=true", "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
)


def address(port: int) -> str:
    """The address of one of the two processes."""
    return f"http://127.0.0.1:{port}"


async def start_zipkin(
    directory: Path, *, family: Family, log: Path, port: int, progress: Progress | None = None
) -> Child:
    """Start Zipkin on 127.0.0.1, with its traces in memory, and wait until it is ready.

    At the first start on a machine, its jar is downloaded (reported to `progress`). Raises StartError or FetchError.
    """
    (jar,) = await fetch(read_lock(ZIPKIN_LOCK), cache_directory() / "jars", progress=progress)
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    child = family.start(ZIPKIN, _command(jar, port), log=log, env=_environment(), cwd=directory)
    with family.stopping_on_failure(child):
        await until_ready(child, f"{address(port)}{ZIPKIN_HEALTH}", seconds=START_SECONDS)
    return child


def _command(jar: Path, port: int) -> list[str]:
    settings = {
        "armeria.ports[0].ip": "127.0.0.1",
        "armeria.ports[0].port": str(port),
        "armeria.ports[0].protocols[0]": "http",
        "zipkin.storage.type": "mem",
        "zipkin.storage.mem.max-spans": str(SPANS_MAX),
        # Otherwise, every website that is open in a browser on this machine could read the traces.
        "zipkin.query.allowed-origins": address(port),
        "zipkin.internal.actuator.enabled": "false",
    }
    return [str(java()), *_JVM, "-jar", str(jar), *(f"--{name}={value}" for name, value in settings.items())]


def _environment() -> dict[str, str]:
    """Only what Java needs. With the address of Kafka in its environment, for example, Zipkin would read from Kafka."""
    kept = ("PATH", "HOME", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C.UTF-8"}


def receiver_command(ports: Mapping[str, int]) -> list[str]:
    """The command line of the process that passes spans on to Zipkin."""
    zipkin = address(ports[ZIPKIN])
    return [sys.executable, "-m", "deploy.local.trace_receiver", "--port", str(ports[RECEIVER]), "--zipkin", zipkin]


def span_settings(ports: Mapping[str, int]) -> dict[str, str]:
    """The settings with which a service sends its spans to the receiver. Sampling does not change."""
    # The exporter uses the proxy of the environment, which cannot reach this machine's own addresses.
    direct = [one for one in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",") if one]
    return {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{address(ports[RECEIVER])}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none",
        "no_proxy": ",".join([*direct, "127.0.0.1"]),
    }


def trace_url(ports: Mapping[str, int] | None) -> str | None:
    """The value of `ENLACE_TRACE_URL`: the page of a trace in the Zipkin at these ports, or what the environment names.

    None if there is neither. ValueError if the environment's template is not usable.
    """
    if ports is not None:
        return f"{address(ports[ZIPKIN])}/zipkin/traces/{{trace_id}}"
    named = os.environ.get(TRACE_URL_VARIABLE)
    return checked_template(named) if named else None
