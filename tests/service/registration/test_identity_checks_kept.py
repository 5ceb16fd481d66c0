"""What is stored of an identity check, until when, and for whom the database shows it (domain P25)."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import asyncpg
import pytest

from libs.chassis.auth import Caller
from libs.chassis.database import raw
from libs.chassis.tenancy import Tenant
from services.registration.audit.api import said_of
from tests.service.registration.checking import a_clerk, an_adult, answer, answers_to, made, make, row_of


async def test_questions_are_sealed_and_go_away_with_the_judgement_and_with_an_erasure(registration):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    check = await made(registration, person, **clerk)
    row = await row_of(registration, check)
    for kind in ("birth_month", "arrival_day", "household_size", "options"):
        assert kind.encode() not in row["questions_sealed"]
    assert len(row["right_keys"]) == 16 * 4
    await answer(registration, check, answers_to(check, wrong=1), **clerk)
    row = await row_of(registration, check)
    assert (row["questions_sealed"], row["right_keys"]) == (None, None)
    check = await made(registration, person, **clerk)
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    row = await row_of(registration, check)
    assert (row["questions_sealed"], row["right_keys"]) == (None, None)
    ended = await answer(registration, check, [1, 1, 1, 1], **clerk)
    assert ended.status_code in (404, 409), ended.text
    assert (await make(registration, person, **clerk)).status_code in (404, 410)


async def test_the_database_shows_a_check_to_who_sees_the_person_and_lets_no_caller_write(registration):
    person, clerk = await registration.register(**an_adult()), a_clerk()
    check = await made(registration, person, **clerk)
    said = partial(said_of, pack=registration.pack)

    async def seen(*places, sql="SELECT count(*) FROM identity_check WHERE id = $1"):
        tenant = Tenant(client_id="walls", reception_places=places)
        caller = Caller(subject="walls", client_id="walls", scopes=frozenset(), tenant=tenant)
        async with registration.database.transaction_of(tenant, said(caller)) as session:
            return await (await raw(session)).fetchval(sql, UUID(check["id"]))

    assert await seen("GT01") == 1
    assert await seen("GT12") == 0
    proving = "UPDATE identity_check SET judged_at = now(), proven_until = now() WHERE id = $1 RETURNING 1"
    assert await seen("GT01", sql=proving) is None
    adding = "INSERT INTO identity_check SELECT gen_random_uuid(), returnee_id, made_by, made_on, made_at, answer_by"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await seen("GT01", sql=f"{adding} FROM identity_check WHERE id = $1")
