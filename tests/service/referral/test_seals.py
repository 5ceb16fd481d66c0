"""Seals of referral's record leave its database, and everybody who has seen one person is one query."""

import asyncio
import json

from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.chassis.sealed_log import seal_once
from libs.chassis.sealed_log_check import check, link_of
from services.referral.audit.actions import tell_seal
from services.referral.audit.queries import accesses
from services.referral.audit.tables import AUDIT
from tests.service.referral.world import World

KEY = b"the key of the seals, outside the database"


async def test_a_seal_is_told_in_its_own_transaction_and_a_rewritten_record_is_found(world: World) -> None:
    returnee = await world.person({})
    await world.ask(f"needs/{(await world.need_of(returnee))['need_id']}")
    async with asyncio.timeout(300):
        while not await seal_once(world.database, AUDIT, keys=[KEY], tell=tell_seal):
            pass
    (row,) = await world.rows("SELECT payload, key FROM outbox WHERE type = 'audit.sealed.v1'")
    told = [link_of(json.loads(row["payload"]))]
    assert row["key"] == "referral"
    # The service's own login can't; who has the superuser's can.
    strong = Database(world.url, clock=Clock(), application_name="tampering")
    async with strong.transaction() as session:
        assert (await check(session, AUDIT, keys=[KEY], told=told)).is_sound
        await (await raw(session)).execute(
            "SET LOCAL session_replication_role = replica; DELETE FROM access_entry; DELETE FROM access_seal"
        )
        assert (await check(session, AUDIT, keys=[KEY], told=told)).faults == [
            "seal 1 was published and is missing here"
        ]
    await strong.close()


async def test_who_has_seen_one_person_and_whom_one_caller_has_seen_is_one_query_each(world: World) -> None:
    one, other = await world.person({}), await world.person({})
    for returnee in (one, other):
        await world.ask(f"needs/{(await world.need_of(returnee))['need_id']}")
    async with world.database.transaction() as session:
        of_one = await accesses(session, one, by=None, since=None)
        (client,) = {row["client_id"] for row in of_one}
        by_client = await accesses(session, None, by=str(client), since=None)
        nobody = await accesses(session, None, by="nobody", since=None)
    assert [row["returnee_ids"] for row in of_one] == [[one]], "of other people nothing"
    assert {seen for row in by_client for seen in row["returnee_ids"]} == {one, other}
    assert nobody == []
