"""What has gone at its end is counted by kind and day, and the report names every kind of data."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from typer.testing import CliRunner

from services.registration import app, cli
from services.registration.erasure import loop as erasures
from services.registration.erasure.actions import let_arrival_keys_age_out
from services.registration.pack import RetentionDays
from services.registration.retention.actions import count_gone
from services.registration.retention.rules import WITHOUT_TIME, Gone, clocks
from services.registration.sync.actions.ageing import let_results_age_out

TODAY = datetime.now(UTC).date()
DAY_BEFORE = TODAY - timedelta(days=1)
OLD_DEVICE = """
    INSERT INTO sync_device (owner, device_id, last_sequence, last_at, seen_at)
    VALUES (gen_random_uuid(), gen_random_uuid(), 1, now() - interval '1 year', now() - interval '1 year')
"""


async def gone(registration):
    rows = await registration.fetch("SELECT kind, sum(gone_count) AS count FROM retention_day GROUP BY kind")
    return {row["kind"]: row["count"] for row in rows}


def test_each_counted_kind_has_an_end_and_each_end_without_days_a_reason():
    told = clocks(
        identity_days=365,
        manifest_days=7,
        arrival_key_days=30,
        device_days=90,
        export_days=7,
        safe_contact_days=180,
        event_days=28,
    )
    assert {clock.counted_as for clock in told} - {None} == set(Gone)
    assert all(clock.days is None and clock.ends for clock in WITHOUT_TIME)
    assert all(clock.days for clock in told if clock not in WITHOUT_TIME)


async def test_an_erasure_is_counted_with_the_erasure_itself(registration):
    before = (await gone(registration)).get("people", 0)
    person = await registration.register()
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 410
    assert (await gone(registration))["people"] == before + 1


async def test_what_devices_left_is_counted_by_kind_and_nothing_is_counted_if_nothing_goes(registration):
    async with registration.database.transaction() as session:
        while await let_results_age_out(session, limit=500):
            pass
    before = await gone(registration)
    async with registration.database.transaction() as session:
        assert await let_results_age_out(session, limit=500) == 0
    assert await gone(registration) == before
    await registration.fetch(OLD_DEVICE)
    async with registration.database.transaction() as session:
        assert await let_results_age_out(session, limit=500) == 1
    assert (await gone(registration))["silent_devices"] == before.get("silent_devices", 0) + 1


async def test_the_days_of_the_pack_decide_what_devices_left_and_which_arrivals_are_recognised(registration):
    device = await registration.fetch(
        "INSERT INTO sync_device (owner, device_id, last_sequence, last_at, seen_at)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), 1, now(), now() - interval '100 days') RETURNING device_id"
    )
    person = await registration.register()
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    past = "UPDATE erasure SET erased_at = now() - interval '40 days' WHERE returnee_id = $1"
    await registration.fetch(past, UUID(person["id"]))

    async def left():
        devices = await registration.fetch("SELECT FROM sync_device WHERE device_id = $1", device[0]["device_id"])
        sql = "SELECT FROM erasure WHERE returnee_id = $1 AND arrival_key IS NOT NULL"
        return len(devices), len(await registration.fetch(sql, UUID(person["id"])))

    for days, expected in ((120, (1, 1)), (99, (0, 1)), (39, (0, 0))):
        async with registration.database.transaction() as session:
            await let_results_age_out(session, limit=500, days=days)
            await let_arrival_keys_age_out(session, registration.vault, days=days)
        assert await left() == expected, days


def test_each_loop_has_the_days_of_the_pack(sample_pack):
    days = RetentionDays(identity_days=400, arrival_key_days=40, device_days=100)
    pack = sample_pack.model_copy(update={"reception": sample_pack.reception.model_copy(update={"retention": days})})
    loops = {loop.name: loop.run for loop in app._work(None, SimpleNamespace(master=None), pack, None, audit_keys=None)}
    assert loops["operations of devices"].keywords["days"] == 100
    assert loops["ends of identity data"].keywords["days"] == 400
    assert loops["erasures"].keywords["pack"].reception.retention.arrival_key_days == 40


async def test_the_loop_of_erasures_uses_the_days_of_the_pack(registration, sample_pack, monkeypatch):
    days = RetentionDays(arrival_key_days=77)
    pack = sample_pack.model_copy(update={"reception": sample_pack.reception.model_copy(update={"retention": days})})
    seen, stop = [], asyncio.Event()

    async def note(session, vault, *, days):
        seen.append(days)
        stop.set()

    monkeypatch.setattr(erasures, "let_arrival_keys_age_out", note)
    await erasures.replay_forever(stop, database=registration.database, pack=pack, vault=registration.vault)
    assert seen == [77]


async def test_what_is_rolled_back_is_not_counted(registration):
    before = await gone(registration)

    async def fail():
        async with registration.database.transaction() as session:
            await count_gone(session, Gone.MANIFESTS, 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await gone(registration) == before


async def test_the_command_tells_every_kind_with_its_end_and_numbers_of_the_days_asked_for(registration, monkeypatch):
    async with registration.database.transaction() as session:
        await count_gone(session, Gone.MANIFESTS, 2)
        await count_gone(session, Gone.MANIFESTS, 3)
    settings = registration.settings
    monkeypatch.setattr(cli, "Settings", lambda: settings)
    counted = (await gone(registration))["manifests"]

    def told(since, until):
        asked = ["retention-report", "--from", since.isoformat(), "--to", until.isoformat()]
        return CliRunner().invoke(cli.cli, asked)

    def lines(answer):
        assert answer.exit_code == 0, answer.output
        return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]

    all_of_today = lines(await asyncio.to_thread(told, DAY_BEFORE, TODAY))
    (manifests,) = [line for line in all_of_today if line["counted_as"] == "manifests"]
    assert (manifests["gone"], manifests["days"]) == (counted, registration.pack.reception.manifest_days)
    assert manifests["runs"] >= 2
    assert {line["gone"] for line in all_of_today if line["counted_as"] is None} == {None}
    earlier = lines(await asyncio.to_thread(told, DAY_BEFORE, DAY_BEFORE))
    assert {line["gone"] for line in earlier if line["counted_as"]} == {0}
    assert (await asyncio.to_thread(told, TODAY, DAY_BEFORE)).exit_code == 2
