"""Identity data of people who are never erased have an end, at which a person decides: erase or extend (domain P20).

Old people are registered by a service whose clock is five years behind.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.chassis.database import raw
from services.registration import app
from services.registration.identity_ends import actions, queries
from services.registration.identity_ends.actions import check_clocks
from tests.service.registration.matching import compare, identity, match_of, merge
from tests.service.registration.test_packets import accepted, facts

DAYS = 1825
BEHIND = timedelta(days=1900)
OFFICER = {
    "scopes": "retention:read retention:write restricted:read erasure:write access-log:read",
    "client_id": "officer",
}
CLERK = {"scopes": "legal-requests:write", "client_id": "clerk", "reception_places": ["GT01"], "staff": False}


@pytest.fixture
async def past(registration, running):
    """The same service with a clock of half the speed, which shows a time 1,900 days ago."""
    clock = {"clock_rate": 0.5, "clock_origin": datetime.now(UTC) - 2 * BEHIND}
    async with running(app.create_app(registration.settings.model_copy(update=clock))) as client:
        yield replace(registration, client=client)


async def an_old_person(past, **changes):
    arrived_at = datetime.now(UTC) - BEHIND - timedelta(hours=1)
    return await past.register(arrived_at=arrived_at.isoformat(), **changes)


async def checked(registration):
    while True:
        async with registration.database.transaction() as session:
            if not await check_clocks(session, days=DAYS, limit=100):
                return


async def a_day_passed_since_the_check(registration, person):
    sql = "UPDATE identity_clock SET checked_at = checked_at - interval '2 days' WHERE returnee_id = $1"
    await registration.fetch(sql, UUID(person["id"]))
    await checked(registration)


async def listed(registration, *people, limit=200):
    """The entries of the list about these people."""
    found, after = [], ""
    while after is not None:
        answer = await registration.get(f"/v1/retention/due?limit={limit}{after}", **OFFICER)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        found += answer.json()["items"]
        after = answer.json()["next"] and f"&after={answer.json()['next']}"
    ids = {person["id"] for person in people}
    return [one for one in found if one["returnee_id"] in ids]


async def clock_of(registration, person):
    rows = await registration.fetch("SELECT * FROM identity_clock WHERE returnee_id = $1", UUID(person["id"]))
    return rows[0] if rows else None


async def extend(registration, person, body=None, **claims):
    path = f"/v1/returnees/{person['id']}/retention-extensions"
    return await registration.post(path, body or {"reason": "family_tracing", "days": 90}, **(OFFICER | claims))


async def test_who_was_not_heard_of_for_the_days_of_the_pack_is_listed_with_id_and_case_code_alone(registration, past):
    old, new = await an_old_person(past), await registration.register()
    await checked(registration)
    (entry,) = await listed(registration, old, new)
    assert set(entry) == {"returnee_id", "case_code", "due_since", "last_at"}
    assert (entry["returnee_id"], entry["case_code"]) == (old["id"], old["case_code"])
    assert await clock_of(registration, new) is None
    log = await registration.get(f"/v1/returnees/{old['id']}/access-log", **OFFICER)
    assert [one["fields"] for one in log.json()["items"] if one["action"] == "retention.list_due"] == [["case_code"]]
    still = await registration.fetch("SELECT erased_at FROM returnee WHERE id = $1", UUID(old["id"]))
    assert still[0]["erased_at"] is None, "no program erases"


async def test_the_list_has_everybody_once_on_pages_of_any_size(registration, past):
    people = [await an_old_person(past) for _ in range(3)]
    await checked(registration)
    for limit in (1, 2, 200):
        found = [one["returnee_id"] for one in await listed(registration, *people, limit=limit)]
        assert sorted(found) == sorted(person["id"] for person in people)


async def test_a_change_takes_a_person_off_the_list_at_once_and_a_look_does_not(registration, past):
    person = await an_old_person(past)
    await checked(registration)
    assert (await registration.get(f"/v1/returnees/{person['id']}?purpose=follow_up")).status_code == 200
    assert len(await listed(registration, person)) == 1
    need = await registration.post(f"/v1/returnees/{person['id']}/needs", {"category": "food"})
    assert need.status_code == 201, need.text
    assert await listed(registration, person) == []
    await a_day_passed_since_the_check(registration, person)
    clock = await clock_of(registration, person)
    assert (clock["due_since"], clock["counts_from"] > datetime.now(UTC) - timedelta(days=1)) == (None, True)


async def test_nobody_is_listed_while_an_organisation_may_read_a_packet(registration, past):
    person = await an_old_person(past)
    await registration.hear(accepted(facts(person)))
    await checked(registration)
    assert await listed(registration, person) == []


async def test_nobody_is_listed_while_the_request_of_an_authority_waits(registration, past):
    person = await an_old_person(past)
    received_at = (datetime.now(UTC) - BEHIND - timedelta(days=1)).isoformat()
    request = {
        "returnee_id": person["id"], "authority": "court", "reference": "1 (sample)", "asked": ["identity"],
        "received_at": received_at,
    }  # fmt: skip
    assert (await past.post("/v1/legal-requests", request, **CLERK)).status_code == 201
    await checked(registration)
    assert await listed(registration, person) == []


async def test_an_extension_takes_a_person_off_the_list_until_its_end(registration, past):
    person = await an_old_person(past)
    await checked(registration)
    answer = await extend(registration, person)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["reason"], answer.json()["returnee_id"]) == ("family_tracing", person["id"])
    until = datetime.fromisoformat(answer.json()["until"])
    assert until - datetime.fromisoformat(answer.json()["recorded_at"]) == timedelta(days=90)
    await checked(registration)
    assert await listed(registration, person) == []
    log = await registration.get(f"/v1/returnees/{person['id']}/access-log", **OFFICER)
    assert "retention.extend" in {one["action"] for one in log.json()["items"]}
    over = timedelta(days=90, hours=1)
    for statement in (
        "UPDATE retention_extension SET until = until - $2::interval WHERE returnee_id = $1",
        "UPDATE identity_clock SET counts_from = counts_from - $2::interval WHERE returnee_id = $1",
    ):
        await registration.fetch(statement, UUID(person["id"]), over)
    await checked(registration)
    assert len(await listed(registration, person)) == 1


async def test_after_an_extension_nobody_counts_as_waiting_for_a_decision(registration, past):
    person = await an_old_person(past)
    await checked(registration)
    assert (await clock_of(registration, person))["due_since"] is not None
    assert (await extend(registration, person)).status_code == 201
    assert (await clock_of(registration, person))["due_since"] is None


async def test_an_extension_that_is_sent_twice_is_one(registration, past):
    person = await an_old_person(past)
    path, headers = f"/v1/returnees/{person['id']}/retention-extensions", registration.headers(**OFFICER)
    body = {"reason": "legal_claim", "days": 30}
    two = [await registration.client.post(path, json=body, headers=headers) for _ in range(2)]
    assert two[0].json() == two[1].json()
    rows = await registration.fetch("SELECT id FROM retention_extension WHERE returnee_id = $1", UUID(person["id"]))
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reason": "family_tracing", "days": 0}, "/days"),
        ({"reason": "family_tracing", "days": 1826}, "/days"),
        ({"reason": "family_tracing", "days": "90"}, "/days"),
        ({"reason": "because", "days": 90}, "/reason"),
        ({"days": 90}, "/reason"),
        ({"reason": "family_tracing", "days": 90, "words": "Muestra"}, "/words"),
    ],
)
async def test_a_wrong_extension_is_refused_with_its_field_and_stores_nothing(registration, body, pointer):
    person = await registration.register()
    answer = await extend(registration, person, body)
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, [pointer])
    assert await registration.fetch("SELECT FROM retention_extension WHERE returnee_id = $1", UUID(person["id"])) == []


async def test_erased_and_unknown_people_are_not_extended_and_an_erasure_leaves_no_clock(registration, past):
    person = await an_old_person(past)
    await extend(registration, person, {"reason": "person_asked", "days": 1})
    await checked(registration)
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure", **OFFICER)).status_code == 200
    assert (await extend(registration, person)).status_code == 410
    assert (await extend(registration, {"id": str(uuid4())})).status_code == 404
    for table in ("identity_clock", "retention_extension"):
        rows = await registration.fetch(f"SELECT FROM {table} WHERE returnee_id = $1", UUID(person["id"]))
        assert rows == []
    await checked(registration)
    assert await listed(registration, person) == []


async def test_merged_records_are_one_person_whose_last_change_counts(registration, past):
    same = identity()
    first, second = await an_old_person(past, identity=same), await an_old_person(past, identity=same)
    await compare(registration)
    merged = await merge(past, await match_of(registration, first, second), first["id"])
    assert merged.status_code == 200, merged.text
    await checked(registration)
    assert [one["returnee_id"] for one in await listed(registration, first, second)] == [first["id"]]
    await registration.post(f"/v1/returnees/{second['id']}/needs", {"category": "food"})
    assert await listed(registration, first, second) == []


async def test_only_who_sees_the_whole_country_gets_the_list(registration):
    for claims in ({"reception_places": ["GT01"]}, {"scopes": "retention:read"}):
        answer = await registration.get("/v1/retention/due", **(OFFICER | claims))
        assert (answer.status_code, answer.json()["code"]) == (403, "whole-country-needed")
    answer = await registration.get("/v1/retention/due", **(OFFICER | {"scopes": "erasure:write restricted:read"}))
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


async def test_a_pack_that_shortens_the_days_finds_people_who_were_checked_before(registration, past):
    person = await an_old_person(past)
    await checked(registration)
    assert (await extend(registration, person, {"reason": "case_continues", "days": 90})).status_code == 201
    await checked(registration)
    (row,) = await registration.fetch(
        "SELECT until FROM retention_extension WHERE returnee_id = $1", UUID(person["id"])
    )
    async with registration.database.transaction() as session:
        (verdict,) = (await queries.verdicts(session, [UUID(person["id"])], days=180)).values()
    assert (verdict.counts_from, verdict.is_due) == (row["until"] - timedelta(days=180), False)


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (queries.DUE, (*queries.FIRST, 51), "identity_clock_due"),
        (actions._TAKE, (datetime.now(UTC), 100), "identity_clock_to_check"),
        (actions._TAKE_AGAIN, (datetime.now(UTC), 100), "identity_clock_to_check_again"),
        (actions._BEGIN, (datetime.now(UTC), *queries.FIRST, 100), "returnee_in_order"),
    ],
)
async def test_each_list_is_read_in_the_order_of_an_index(registration, statement, values, index):
    """With the two ways that grow with the table forbidden, because the table of a test is small."""
    async with registration.database.transaction() as session:
        connection = await raw(session)
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *values))
    assert f"using {index} on" in plan, plan
    assert "Sort" not in plan, plan


async def test_the_report_says_of_every_kind_when_it_ends_and_how_much_has_gone(registration):
    person, today = await registration.register(), datetime.now(UTC).date().isoformat()
    before = await registration.get(f"/v1/retention/report?from={today}&to={today}", **OFFICER)
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    after = await registration.get(f"/v1/retention/report?from={today}&to={today}", **OFFICER)
    assert (after.status_code, after.json()["first_day"], after.json()["last_day"]) == (200, today, today)
    first, second = ({one["data"]: one for one in answer.json()["kinds"]} for answer in (before, after))
    kind = second["identity data and safe contact"]
    assert (kind["days"], kind["setting"]) == (DAYS, "retention.identity_days")
    assert kind["gone"] == first["identity data and safe contact"]["gone"] + 1
    assert all(one["days"] is not None or ":" in one["ends"] or "with" in one["ends"] for one in second.values())
    assert person["id"] not in after.text


@pytest.mark.parametrize(
    ("query", "field"),
    [("from=2026-11-30&to=2026-11-01", "to"), ("from=2026-11-31&to=2026-12-01", "from"), ("from=2026-11-01", "to")],
)
async def test_a_report_of_impossible_days_is_refused_with_the_field(registration, query, field):
    answer = await registration.get(f"/v1/retention/report?{query}", **OFFICER)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"].strip("/") for one in answer.json()["errors"]] == [field]
