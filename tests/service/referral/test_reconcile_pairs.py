"""After a restore pairs of people who must be kept apart are compared, and none that may be lost is ended (P8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.reconcile.__main__ import pairs
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.knowing import read
from services.registration.excluded_people.actions import tell_again
from tests.infra import for_service
from tests.service.referral.separating import at
from tests.service.referral.test_reconcile import WHY, Both, Serve, both, serve, told
from tests.service.referral.world import World
from tests.service.registration.test_restored import copy_of

__all__ = ["both", "serve"]


async def exclude(client: Any, one: dict[str, Any], other: dict[str, Any]) -> str:
    path = f"/v1/returnees/{one['id']}/excluded-people"
    headers = {"Idempotency-Key": str(uuid4())}
    answer = await client.post(path, json={"returnee_id": other["id"]}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()[-1]["id"])


async def end(client: Any, one: dict[str, Any], exclusion_id: str) -> None:
    path = f"/v1/returnees/{one['id']}/excluded-people/{exclusion_id}/end"
    answer = await client.post(path, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 200, answer.text


async def apart(world: World) -> set[str]:
    return {str(row["exclusion_id"]) for row in await world.rows("SELECT exclusion_id FROM kept_apart")}


async def nothing_comes(both: Both) -> None:
    """What registration has told does not reach referral: Kafka no longer has it, or referral is that of a dump."""
    connection = await asyncpg.connect(both.url)
    both.heard = await connection.fetchval("SELECT max(id) FROM outbox")
    await connection.close()


async def archive(both: Both) -> None:
    """All that registration has told is acknowledged, and moved to the archive."""
    connection = await asyncpg.connect(both.url)
    columns = "id, event_id, topic, key, type, payload, traceparent, tracestate, created_at"
    await connection.execute(
        f"INSERT INTO outbox_sent ({columns}, partition, log_offset) SELECT {columns}, 0, id FROM outbox"
    )
    await connection.execute("DELETE FROM outbox")
    await connection.close()


def summary(both: Both) -> list[str]:
    return pairs(read(both.folder / "findings"))


async def test_a_pair_that_referral_lacks_is_told_again(both: Both, serve: Serve):
    """Taken out: `tell_again` in `mend`."""
    async with serve(both.url, both.keys_url) as client:
        one, other = await told(client, "Una"), await told(client, "Otro")
        await both.hear()
        exclusion = await exclude(client, one, other)
    await nothing_comes(both)
    assert await both.reconcile("--dry-run") == {("pair", exclusion, "not_heard")}
    assert await apart(both.world) == set()
    await both.reconcile(*WHY)
    found = (both.folder / "findings").read_text(encoding="utf-8")
    assert one["id"] not in found
    assert other["id"] not in found
    said = "1 that referral lacks, 0 that have ended, 0 that registration does not know"
    assert summary(both) == [f"pairs of people who must be kept apart: {said}"]
    await both.hear()
    (row,) = await both.world.rows("SELECT * FROM kept_apart")
    lower, higher = sorted((UUID(one["id"]), UUID(other["id"])))
    assert (str(row["exclusion_id"]), row["first_returnee_id"], row["second_returnee_id"]) == (exclusion, lower, higher)
    assert await both.reconcile(*WHY) == set()
    assert summary(both) == []


@pytest.mark.parametrize("archived", [False, True], ids=["in-the-outbox", "in-the-archive"])
async def test_the_end_of_a_pair_that_referral_did_not_hear_is_told_again(both: Both, serve: Serve, archived: bool):
    """Taken out: `tell_ends_again` in `mend`; the archive, and the outbox, in the list and in the event."""
    async with serve(both.url, both.keys_url) as client:
        one, other = await told(client, "Una"), await told(client, "Otro")
        exclusion = await exclude(client, one, other)
        await both.hear()
        await end(client, one, exclusion)
    await nothing_comes(both)
    if archived:
        await archive(both)
    assert await apart(both.world) == {exclusion}
    assert await both.reconcile(*WHY) == {("pair", exclusion, "end_not_heard")}
    assert "0 that referral lacks, 1 that have ended, 0 that" in summary(both)[0]
    await both.hear()
    assert await apart(both.world) == set()
    assert await both.reconcile(*WHY) == set()
    assert set((await both.owners()).values()) == {None}


async def test_a_pair_that_registration_has_lost_stays_until_it_is_told_anew(
    both: Both, serve: Serve, postgres_server: Any
):
    """Taken out: the desks of such a pair; `told_anew` (the old pair stays); its condition (the pair ends at once)."""
    await both.world.provider(places=9)
    async with serve(both.url, both.keys_url) as client:
        one, other = await told(client, "Una"), await told(client, "Otro")
    dump = copy_of(postgres_server, both.url)
    async with serve(both.url, both.keys_url) as client:
        lost = await exclude(client, one, other)
        second = await exclude(client, other, one)
    await both.hear()
    await both.restored(dump)
    unknown = {("pair", lost, "unknown"), ("pair", second, "unknown")}
    assert await both.reconcile("--dry-run") == unknown
    assert "2 open needs would go to desks" in (both.folder / "out").read_text(encoding="utf-8")
    assert await both.reconcile(*WHY) == unknown
    assert await apart(both.world) == {lost, second}, "whom a person excludes is not forgotten by a restore"
    assert await both.owners() == dict.fromkeys((one["id"], other["id"]), "lost_at_registration")
    assert "2 stay apart, 0 ended" in (both.folder / "out").read_text(encoding="utf-8")
    async with serve(both.url, both.keys_url) as client:
        anew = await exclude(client, one, other)
    await both.hear()
    await both.reconcile(*WHY)
    assert await apart(both.world) == {anew}
    assert "0 stay apart, 2 ended" in (both.folder / "out").read_text(encoding="utf-8")
    assert await both.reconcile(*WHY) == set()
    assert await both.owners() == dict.fromkeys((one["id"], other["id"]), None)


async def test_an_operator_ends_a_pair_that_registration_does_not_know_and_no_other(
    both: Both, serve: Serve, postgres_server: Any
):
    """Taken out: the comparison of the pair with those that are not known; `wake` in `_end`."""
    async with serve(both.url, both.keys_url) as client:
        one = await told(client, "Una", needs=[{"category": "shelter"}])
        other = await told(client, "Otro", needs=[{"category": "shelter"}])
    dump = copy_of(postgres_server, both.url)
    async with serve(both.url, both.keys_url) as client:
        lost = await exclude(client, one, other)
    await both.hear()
    shelter = await both.world.provider()
    await both.world.round()
    people = UUID(one["id"]), UUID(other["id"])
    assert sorted(await at(both.world, *people), key=str) == sorted([shelter.service_id, None], key=str)
    await both.restored(dump)
    async with serve(both.url, both.keys_url) as client:
        third = await told(client, "Tercera")
        kept = await exclude(client, third, other)
    await both.hear()
    await both.reconcile("--dry-run")
    findings = str(both.folder / "findings")
    refused = await both.refused("referral", "reconcile", "--with", findings, *WHY, "--end-pair", kept)
    assert "--end-pair" in refused
    assert await apart(both.world) == {lost, kept}
    await both.run("referral", "reconcile", "--with", findings, *WHY, "--end-pair", lost)
    assert await apart(both.world) == {kept}
    await both.world.round()
    assert await at(both.world, *people) == [shelter.service_id, shelter.service_id]
    (noted, *_) = await both.world.rows("SELECT * FROM operator_action WHERE action = 'reconcile'")
    assert noted["subject"]["pairs_ended"] == 1


def test_without_a_difference_nothing_is_said_of_pairs(tmp_path: Path):
    (tmp_path / "findings").write_text('{"kind":"need","id":"00000000-0000-0000-0000-000000000001"}\n')
    assert pairs(read(tmp_path / "findings")) == []


async def test_the_end_of_an_exclusion_waits_until_it_has_been_told_again(both: Both, serve: Serve):
    """Otherwise referral would hear of the end first, and keep the two apart for ever. Taken out: `FOR SHARE`."""
    async with serve(both.url, both.keys_url) as client:
        one, other = await told(client, "Una"), await told(client, "Otro")
        exclusion = await exclude(client, one, other)
    database = Database(for_service(both.url), clock=Clock(), application_name="a-test", pool_size=1)
    ending = await asyncpg.connect(both.url)
    statement = "DELETE FROM excluded_person WHERE id = $1"
    try:
        async with database.transaction() as session:
            await tell_again(session, [UUID(exclusion)])
            await ending.execute("SET lock_timeout = '200ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await ending.execute(statement, UUID(exclusion))
        assert await ending.execute(statement, UUID(exclusion)) == "DELETE 1"
    finally:
        await ending.close()
        await database.close()
