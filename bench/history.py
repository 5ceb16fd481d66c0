"""Compares the chain with a million archived events and their history with the chain of an empty installation.

Two installations take turns. One of them has the rows that 90,000 people with three needs each leave when all their
needs are met: a million events in the archives of the outboxes, the inbox rows of their consumers, people and needs in
registration, journeys, referrals, offers and steps in referral, notifications and deliveries. All event rows are of
today, so they are in the partitions and indexes that the measured events use.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from bench.arrivals import NEEDS
from bench.chain import PATIENCE_SECONDS, Result, Running, enlace, measure_chain
from bench.figures import spread_figures
from bench.filling import Names, fill
from bench.path import WARM_UP
from bench.spread import ratios
from bench.turns import enlace_turn, quiet
from libs.chassis.walls import WORKS_FOR

EVENTS_EACH = 11
"""The events of one person in all archives: four of registration, six of referral, one of another kind."""
ENDED = Names(statuses=("completed",) * 14 + ("cancelled",) * 2)
_ARCHIVE = """
    INSERT INTO outbox_sent (id, event_id, topic, key, type, payload, traceparent, created_at, partition, log_offset)
    SELECT -n, uuidv7(), $2, gen_random_uuid()::text, $3, convert_to(repeat('x', 300), 'UTF8'),
        '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', now(), n % 12, n
    FROM generate_series(1, $1::bigint) AS n
"""
_INBOX = """
    INSERT INTO inbox (consumer_group, source, event_id, day)
    SELECT (SELECT min(consumer_group) FROM consumer_position), $2, uuidv7()::text, current_date
    FROM generate_series(1, $1::bigint)
"""
_PEOPLE = """
    WITH person AS (
        INSERT INTO returnee (id, case_code, version, arrival_key, source, reception_place, arrived_at, age_band, sex,
            nationality, identity_document, documents_held, languages, destination, access_needs, protection_flags,
            avoid_places, avoid_organizations, given_names_sealed, family_names_sealed, search_index, index_form,
            traceparent, registered_at)
        SELECT uuidv7(), 'HI-' || n, 1, sha256(n::text::bytea), 'urn:bench:history', 'GT01', now(), '25_34', 'male',
            'GT', 'lost_on_route', '{}', '{spa}', 'GT01', '{}', '{}', '{}', '{}', sha256(n::text::bytea),
            sha256(n::text::bytea), ARRAY(SELECT hashint8extended(n, m) FROM generate_series(1, 5) AS m), 2,
            '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', now()
        FROM generate_series(1, $1::bigint) AS n RETURNING id
    )
    INSERT INTO need (id, need_key, returnee_id, category, urgency, people_count, status, reported_at, ended_at)
    SELECT uuidv7(), sha256((id::text || category)::bytea), id, category, 'urgent', 1, 'reported', now(), now()
    FROM person CROSS JOIN unnest($2::text[]) AS category
"""
_TOLD = """
    WITH told AS (
        INSERT INTO notification (message_id, organization_id, event_type, body, created_at)
        SELECT uuidv7(), organization_id, 'offer.made.v1', repeat('x', 400), now()
        FROM generate_series(1, $1::bigint) AS n
            JOIN (SELECT organization_id, row_number() OVER () - 1 AS nth, count(*) OVER () AS endpoints FROM endpoint)
                AS e ON nth = n % endpoints
        RETURNING message_id, organization_id, event_type, body, created_at
    )
    INSERT INTO delivery (message_id, endpoint_id, organization_id, event_type, body, status, attempt_count, created_at,
        finished_at)
    SELECT message_id, organization_id, organization_id, event_type, body, 'succeeded', 1, created_at, created_at
    FROM told
"""


@dataclass
class Pair:
    """The results of the two installations, one for each round."""

    empty: list[Result] = field(default_factory=list)
    filled: list[Result] = field(default_factory=list)


async def measure_history(*, events: int, returnees: int, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The figures of the chain with history."""
    pair = Pair()
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with AsyncExitStack() as stack:
            sides: list[tuple[str, Running, list[Result]]] = []
            for name, taken in (("empty", pair.empty), ("filled", pair.filled)):
                running = await stack.enter_async_context(enlace(Path(folder) / name))
                await running.system.halt_services()
                sides.append((name, running, taken))
            say(f"filling one of the installations with {events:,} events and their history")
            await fill_history(running, people=max(1, events // EVENTS_EACH))
            for _, running, _ in sides:
                await quiet(running)
            for number in range(rounds):
                for name, running, taken in sides:
                    async with enlace_turn(running) as side:
                        await measure_chain(side, WARM_UP, run=f"history-warm-up-{number}")
                        taken.append(await measure_chain(side, returnees, run=f"history-{number}"))
                    say(f"{name}, round {number + 1}: {taken[-1].returnees_per_s:.0f} returnees/s")
    return figures_of_history(pair)


def figures_of_history(pair: Pair) -> dict[str, Any]:
    """Time and CPU of a returnee with history, to those without, in pairs of rounds."""
    times = {name: [1 / one.returnees_per_s for one in taken] for name, taken in vars(pair).items()}
    costs = {name: [one.cpu_ms for one in taken] for name, taken in vars(pair).items()}
    return spread_figures("history_ratio", ratios(times["filled"], times["empty"]).values, 3) | spread_figures(
        "history_cpu_ratio", ratios(costs["filled"], costs["empty"]).values, 3
    )


async def fill_history(running: Running, *, people: int) -> None:
    """Add what so many people leave behind whose needs are all met; then VACUUM ANALYZE, as autovacuum would."""
    needs = people * len(NEEDS)
    await _run(running, "REGISTRATION", _PEOPLE, people, list(NEEDS))
    await _run(running, "REGISTRATION", _ARCHIVE, people * 4, "enlace.registration", "need.reported.v1")
    await _run(running, "REGISTRATION", _INBOX, people, "urn:bench:history")
    await fill(running.owner_url("REFERRAL"), needs, at=datetime.now(UTC), names=ENDED)
    await _run(running, "REFERRAL", _ARCHIVE, people * 7, "enlace.referral", "offer.made.v1")
    await _run(running, "REFERRAL", _INBOX, people * 4, "urn:enlace:registration")
    await _run(running, "NOTIFICATIONS", _TOLD, needs)
    await _run(running, "NOTIFICATIONS", _INBOX, needs, "urn:enlace:referral")
    for database in ("REGISTRATION", "REFERRAL", "NOTIFICATIONS"):
        connection = await asyncpg.connect(running.owner_url(database))
        try:
            await connection.execute("VACUUM ANALYZE", timeout=PATIENCE_SECONDS)
        finally:
            await connection.close()


async def _run(running: Running, database: str, statement: str, *values: Any) -> None:
    connection = await asyncpg.connect(running.url(database), server_settings={WORKS_FOR: "service"})
    try:
        await connection.execute(statement, *values, timeout=PATIENCE_SECONDS)
    finally:
        await connection.close()
