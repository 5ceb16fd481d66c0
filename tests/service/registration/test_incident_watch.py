"""The watcher of the times for the duties after an incident, with a clock that the test moves (domain P23)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from libs.chassis.database import Database, now, raw
from libs.chassis.etag import Condition
from libs.chassis.settings import Role
from services.registration import app
from services.registration.audit.rules import Actor
from services.registration.incidents import actions, loop
from services.registration.incidents.actions import Warned, Watched
from services.registration.incidents.rules import DutyStage, IncidentKind, Measure
from services.registration.incidents.schemas import IncidentBody, IncidentMeasures
from services.registration.pack import Pack
from services.registration.protection import Duty, DutySetBy, DutyTime, IncidentPolicy
from tests.events.bus import until
from tests.infra import for_service

CLERK = Actor("officer", "officer")
POLICY = IncidentPolicy(
    authority_told=DutyTime(hours=72, set_by=DutySetBy.LAW), people_told=DutyTime(hours=240, set_by=DutySetBy.NETWORK)
)
NO_DUTIES = IncidentPolicy(authority_told=None, people_told=None)
HALF, OVERDUE = DutyStage.HALF_TIME, DutyStage.OVERDUE


class ShiftedClock:
    """Real time, and as much more as the test has let pass."""

    rate = fastest = 1.0

    def __init__(self) -> None:
        self.passed = timedelta()

    def at(self, real: datetime) -> datetime:
        return real + self.passed


class Office:
    """A database of its own with the watcher in the test's hands."""

    def __init__(self, url: str) -> None:
        self.url, self.clock = url, ShiftedClock()
        self.database = self.opened()

    def opened(self) -> Database:
        return Database(self.url, clock=self.clock, application_name="incident-duties-test")

    async def restart(self) -> None:
        await self.database.close()
        self.database = self.opened()

    async def record(self, **changes: Any) -> UUID:
        async with self.database.transaction() as session:
            at = now(session)
            told = {"kind": IncidentKind.STOLEN_ACCESS, "began_at": at, "known_at": at} | changes
            return await actions.record_incident(session, IncidentBody(**told), actor=CLERK)

    async def measure(self, incident_id: UUID, version: int, *measures: Measure) -> None:
        async with self.database.transaction() as session:
            body, condition = IncidentMeasures(measures=list(measures)), Condition(f'"{version}"')
            await actions.record_measures(session, incident_id, body, condition=condition, actor=CLERK)

    async def watch(self, *, hours: float = 0, policy: IncidentPolicy = POLICY) -> Watched:
        self.clock.passed += timedelta(hours=hours)
        return await loop.watch_once(self.database, policy)

    async def has_one_that_waits(self) -> bool:
        """Whether another transaction waits for a row."""
        waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = $1"
        connection = await asyncpg.connect(self.url)
        try:
            name = await connection.fetchval("SELECT current_database()")
            return bool(await connection.fetchval(waiting, name))
        finally:
            await connection.close()


@pytest.fixture
async def office(postgres_server):
    made = Office(for_service(postgres_server.migrated("registration")))
    yield made
    await made.database.close()


def told(found: Watched) -> list[tuple[Duty, DutyStage]]:
    return [(one.duty, one.stage) for one in found.warnings]


async def test_each_stage_of_each_duty_is_warned_of_once_at_its_time(office: Office, caplog: Any) -> None:
    incident_id = await office.record()
    assert told(await office.watch(hours=35)) == []
    assert told(await office.watch(hours=2)) == [(Duty.AUTHORITY_TOLD, HALF)]
    assert told(await office.watch()) == [], "once"
    late = await office.watch(hours=36)
    assert told(late) == [(Duty.AUTHORITY_TOLD, OVERDUE)]
    assert late.counts == {HALF: 0, OVERDUE: 1}
    both = await office.watch(hours=240)
    assert told(both) == [(Duty.PEOPLE_TOLD, OVERDUE)], "after the end, half of the time is no news"
    assert (await office.watch(hours=1000)).counts == {HALF: 0, OVERDUE: 2}, "the number stays, the warning does not"
    lines = [one for one in caplog.records if one.getMessage() == "incident.duty_due"]
    assert [(one.levelname, one.enlace["duty"], one.enlace["stage"], one.enlace["incident_id"]) for one in lines] == [
        ("WARNING", "authority_told", "half_time", str(incident_id)),
        ("ERROR", "authority_told", "overdue", str(incident_id)),
        ("ERROR", "people_told", "overdue", str(incident_id)),
    ]


class Gauge:
    """What was published last."""

    value: float | None = None

    def set(self, value: float) -> None:
        self.value = value


async def test_the_metrics_are_how_many_duties_are_late_now(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    gauges = {HALF: Gauge(), OVERDUE: Gauge()}
    monkeypatch.setattr(loop, "_GAUGES", gauges)
    published = []
    first, _ = await office.record(), await office.record(measures=[Measure.AUTHORITY_TOLD])
    for hours in (1, 72, 48):
        await office.watch(hours=hours)
        published.append((gauges[HALF].value, gauges[OVERDUE].value))
    await office.measure(first, 1, Measure.AUTHORITY_TOLD, Measure.PEOPLE_TOLD)
    await office.watch()
    published.append((gauges[HALF].value, gauges[OVERDUE].value))
    assert published == [(0, 0), (0, 1), (2, 1), (1, 0)]


async def test_a_restart_and_a_second_worker_repeat_no_warning_and_lose_none(office: Office) -> None:
    await office.record()
    await office.watch(hours=40)
    await office.restart()
    assert told(await office.watch()) == []
    office.clock.passed += timedelta(hours=40)
    async with office.database.transaction() as session:
        first = await actions.watch(session, policy=POLICY)
        second = asyncio.create_task(office.watch())
        await until(office.has_one_that_waits)
    assert (told(first), told(await second)) == ([(Duty.AUTHORITY_TOLD, OVERDUE)], [])


async def test_a_recorded_measure_ends_the_watch_over_its_duty_alone(office: Office) -> None:
    incident_id = await office.record()
    await office.measure(incident_id, 1, Measure.AUTHORITY_TOLD)
    found = await office.watch(hours=300)
    assert told(found) == [(Duty.PEOPLE_TOLD, OVERDUE)]
    assert found.counts == {HALF: 0, OVERDUE: 1}
    await office.measure(incident_id, 2, Measure.PEOPLE_TOLD)
    assert (await office.watch()).counts == {HALF: 0, OVERDUE: 0}


async def test_a_measure_that_is_recorded_with_the_incident_is_never_watched(office: Office) -> None:
    await office.record(measures=[Measure.AUTHORITY_TOLD])
    assert told(await office.watch(hours=100)) == []


async def test_an_incident_that_an_older_version_records_during_an_update_is_watched_too(office: Office) -> None:
    await office.record(measures=[Measure.PEOPLE_TOLD])
    async with office.database.transaction() as session:
        await (await raw(session)).execute("DELETE FROM incident_duty")
    assert told(await office.watch(hours=300)) == [(Duty.AUTHORITY_TOLD, OVERDUE)]
    assert (await office.watch()).counts == {HALF: 0, OVERDUE: 1}


async def test_a_country_without_times_has_no_warnings(office: Office) -> None:
    await office.record()
    found = await office.watch(hours=10_000, policy=NO_DUTIES)
    assert (told(found), found.counts) == ([], {HALF: 0, OVERDUE: 0})


async def test_the_worker_watches_by_itself_with_the_times_of_the_pack(
    office: Office, sample_pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Warned] = []

    async def watched(*arguments: Any) -> Watched:
        found = await watch_once(*arguments)
        seen.extend(found.warnings)
        return found

    async def has_warned() -> bool:
        return bool(seen)

    watch_once = loop.watch_once
    monkeypatch.setattr(loop, "watch_once", watched)
    monkeypatch.setattr(loop, "INTERVAL_SECONDS", 0.05)
    await office.record()
    stop = asyncio.Event()
    vault: Any = SimpleNamespace(master=None)
    work = app._work(office.database, vault, sample_pack, cast(Any, None), audit_keys=cast(Any, None))
    (own,) = [one for one in work if one.name == "duties after incidents"]
    running = asyncio.create_task(own.run(stop))
    office.clock.passed += timedelta(hours=80)
    await until(has_warned)
    stop.set()
    await running
    assert [(one.duty, one.stage) for one in seen] == [(Duty.AUTHORITY_TOLD, OVERDUE), (Duty.PEOPLE_TOLD, OVERDUE)]
    assert own.role is Role.WORKER
