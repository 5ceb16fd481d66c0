"""Releases of children exist for the child desk and the authority alone; what identifies the relative is sealed."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg

from libs.chassis.walls import WORKS_FOR
from services.registration.vault.queries import data_key
from tests.infra import for_service
from tests.service.registration.releasing import (
    ADULT,
    AUTHORITY,
    DESK,
    HEARD,
    MARK,
    a_handover,
    a_release,
    begun,
    ready,
    step,
)
from tests.service.registration.test_child_releases import PATH, a_child


async def test_for_everybody_else_there_is_no_release(registration):
    child = await a_child(registration)
    release = await ready(registration, child)
    everything = "child-releases:read child-releases:write returnees:read restricted:read access-log:read"
    others = (
        {"scopes": everything, "client_id": "officer", "reception_places": ["GT"], "staff": True},
        {"scopes": everything, "client_id": "other-desk", "desks": ["mides-food-desk"], "reception_places": ["GT"]},
    )
    for claims in others:
        assert (await registration.get(f"{PATH}/{release['id']}", **claims)).status_code == 404
        listed = await registration.get(f"{PATH}?returnee_id={child['id']}", **claims)
        assert listed.json()["items"] == []
        assert (await step(registration, release, "handover", a_handover(), **claims)).status_code == 404
        assert (await registration.post(PATH, a_release(child), **claims)).status_code == 404
    log = await registration.get(f"/v1/returnees/{child['id']}/access-log")
    assert "child_release" not in log.text, "reception does not learn it from the record of access"
    for claims in (
        {"scopes": everything, "staff": False, "reception_places": ["GT"]},
        {"scopes": everything, "staff": False, "organization_id": str(uuid4())},
    ):
        assert (await registration.get(PATH, **claims)).status_code == 403
    assert release["id"] in (await registration.get(f"{PATH}?status=open&limit=200", **DESK)).text


async def test_the_authority_sees_children_and_no_adult(registration):
    child, adult = await a_child(registration), await registration.register(identity=ADULT)
    reading = AUTHORITY | {"scopes": f"{AUTHORITY['scopes']} returnees:read", "reception_places": ["GT"]}
    assert (await registration.get(f"/v1/returnees/{child['id']}", **reading)).status_code == 200
    assert (await registration.get(f"/v1/returnees/{adult['id']}", **reading)).status_code == 404


async def test_the_wall_alone_keeps_releases_from_everybody_else(registration):
    release = await begun(registration, await a_child(registration))
    connection = await asyncpg.connect(for_service(registration.url))
    try:
        for children_only, count in (("true", 1), ("false", 0)):
            async with connection.transaction():
                await connection.execute(f"SET LOCAL {WORKS_FOR} = 'caller'")
                await connection.execute("SET LOCAL enlace.everywhere = 'true'")
                await connection.execute("SET LOCAL enlace.restricted = 'true'")
                await connection.execute(f"SET LOCAL enlace.children_only = '{children_only}'")
                rows = await connection.fetch("SELECT id FROM child_release WHERE id = $1", UUID(release["id"]))
                assert len(rows) == count
    finally:
        await connection.close()


async def test_what_identifies_the_relative_is_sealed_and_gone_with_the_child(registration):
    child = await a_child(registration)
    release = await ready(registration, child)
    select = "SELECT * FROM child_release WHERE id = $1"
    (row,) = await registration.fetch(select, UUID(release["id"]))
    assert MARK.encode() not in b"".join(value for value in row.values() if isinstance(value, bytes))
    key = await data_key(registration.vault, UUID(child["id"]))
    opened = key.open(row["heard_words_sealed"], table="child_release", column=f"heard_words.{release['id']}")
    assert opened == HEARD["words"]
    assert (await registration.post(f"/v1/returnees/{child['id']}/erasure")).status_code == 200
    (row,) = await registration.fetch(select, UUID(release["id"]))
    gone = ("relative_sealed", "relative_key", "heard_by_sealed", "heard_words_sealed", "sign_off_reference_sealed")
    assert {row[name] for name in gone} == {None}
    assert row["authority"] == "pgn"


async def test_each_read_and_step_is_recorded_for_the_officer(registration):
    child = await a_child(registration)
    release = await ready(registration, child)
    await registration.get(f"{PATH}/{release['id']}", **DESK)
    await step(registration, release, "handover", a_handover())
    scopes = "access-log:read restricted:read"
    entries = (await registration.get(f"/v1/returnees/{child['id']}/access-log", scopes=scopes)).json()["items"]
    found = {one["action"] for one in entries if one["purpose"] == "child_release"}
    verbs = ("begin", "child_view", "verify", "sign_off", "read", "hand_over")
    assert found == {f"restricted.child_release.{verb}" for verb in verbs}
