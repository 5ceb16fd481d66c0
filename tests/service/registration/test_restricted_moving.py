"""Restricted needs that stand in clear are moved into their store and go on as they were."""

from uuid import UUID, uuid4

import asyncpg

from libs.chassis.migrations import upgrade_async
from services.registration.intake.actions.tellings import key_anew
from services.registration.needs.actions.moving import move_restricted
from services.registration.needs.restricted import of_person
from tests.infra import for_service
from tests.service.registration.test_restricted_store import needs_of, tell

OF_BEFORE = """
INSERT INTO need (id, need_key, returnee_id, category, urgency, people_count, after_need_id, status, reported_at,
    traceparent)
VALUES ($1, $2, $3, $4, 'normal', 1, $5, $6, now(), $7)
"""


RETURNEE_OF_BEFORE = """
INSERT INTO returnee (id, arrival_key, case_code, version, source, arrived_at, documents_held, languages,
    access_needs, protection_flags, avoid_places, avoid_organizations, age_band, sex, nationality, identity_document,
    search_index, registered_at, given_names_sealed, family_names_sealed, sender_reference_sealed)
VALUES ($1, $2, $3, 1, 'client:reception-system', now(), '{}', '{}', '{}', '{}', '{}', '{}', 'unknown', 'unknown', 'GT',
    'held', '{}', now(), '', '', '')
"""


async def filled(owner, vault, people, gbv, second, waiting, food):
    """What an older version has stored; the second person has been erased since."""
    for returnee_id in people:
        await owner.execute(RETURNEE_OF_BEFORE, returnee_id, returnee_id.bytes, f"GT-{returnee_id.hex[:8]}")
    keys = [vault.master.blind("need", "client:reception-system", str(people[0]), name) for name in ("n-1", "n-2")]
    for need_id, key, person, category, after in (
        (gbv, keys[0], people[0], "gbv", None),
        (second, None, people[1], "gbv", None),
        (waiting, None, people[0], "anti_trafficking", gbv),
        (food, None, people[0], "food", gbv),
    ):
        await owner.execute(OF_BEFORE, need_id, key, person, category, after, "reported", None)
    await owner.execute(
        "INSERT INTO need_repeat (id, need_key, need_id, urgency, people_count, reported_at)"
        " VALUES ($1, $2, $3, 'urgent', 1, now())",
        *(uuid4(), keys[1], gbv),
    )
    fact = vault.master.blind("told", str(people[0]), "/needs", "x")
    await owner.execute("INSERT INTO arrival_told (returnee_id, facts) VALUES ($1, $2)", people[0], [fact])
    await owner.execute("UPDATE returnee SET erased_at = now() WHERE id = $1", people[1])
    return fact


async def test_needs_of_before_are_moved_out_of_the_clear_and_go_on_as_they_were(postgres_server, registration):
    """From the revision before the store: rows in clear, hashes of facts under the vault key."""
    url = postgres_server.new_database("before_the_store")
    await upgrade_async("registration", url, revision="0015")
    owner = await asyncpg.connect(url)
    vault, people = registration.vault, [uuid4(), uuid4()]
    gbv, second, waiting, food = sorted(uuid4() for _ in range(4))
    try:
        fact = await filled(owner, vault, people, gbv, second, waiting, food)
        await upgrade_async("registration", url)
        postgres_server.give_service_its_rights(url)
        database = type(registration.database)(
            for_service(url), clock=registration.database.clock, application_name="moving"
        )
        categories = registration.pack.routing.restricted
        async with database.transaction() as session:
            assert await move_restricted(session, categories=categories, vault=vault, limit=1) == 1
        async with database.transaction() as session:
            assert await move_restricted(session, categories=categories, vault=vault, limit=100) == 1
            assert await key_anew(session, vault=vault, limit=100) == 1
            kept = await of_person(session, people[0], None, vault=vault)
        assert {(one.id, one.category, one.after_need_id) for one in kept} == {
            (gbv, "gbv", None),
            (waiting, "anti_trafficking", gbv),
        }
        rows = await owner.fetch("SELECT id, category, after_need_id FROM need")
        assert [tuple(row) for row in rows] == [(food, "food", None)], "what waited for it tells nothing of it"
        assert await owner.fetchval("SELECT count(*) FROM need_repeat") == 0
        assert await owner.fetchval("SELECT count(*) FROM restricted_repeat") == 1
        assert await owner.fetchval("SELECT count(*) FROM restricted_need") == 2, "of the erased nothing is kept"
        told = await owner.fetchrow("SELECT facts, form FROM arrival_told")
        assert (told["facts"], told["form"]) == ([vault.restricted.blind("told", fact.hex())], 1)
        await database.close()
    finally:
        await owner.close()


async def test_a_need_in_clear_of_a_person_who_tells_it_again_is_moved_first(registration):
    """An older process may have written it since the last round."""
    person = await registration.register()
    await registration.fetch(OF_BEFORE, uuid4(), None, UUID(person["id"]), "gbv", None, "reported", None)
    (before,) = await needs_of(registration, person)
    again = await tell(registration, person)
    assert (again.status_code, again.json()["id"]) == (200, before["id"])
    assert await registration.fetch("SELECT 1 FROM need WHERE returnee_id = $1", UUID(person["id"])) == []
