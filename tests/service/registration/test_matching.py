"""Who may be the same: found at once, told to the clerk, decided by a person, and undone without loss."""

from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from services.registration.linkage.forgetting import CACHES
from tests.service.registration.conftest import a_returnee
from tests.service.registration.matching import compare, different, identity, matches, merge, row_of, twice, unmerge


async def test_the_same_document_number_twice_is_told_to_the_clerk_at_once(registration):
    first, second, match = await twice(registration)
    assert match["status"] == "open"
    assert match["band"] in ("same", "review")
    assert {one["returnee_id"] for one in match["people"]} == {first["id"], second["id"]}
    assert match["can_be_decided"]
    assert match["reasons"]


async def test_people_of_an_event_are_compared_too_and_nobody_is_forgotten(registration):
    same, source = identity(), f"urn:reception:{uuid4()}"
    for _ in range(2):
        told = a_returnee(sender_reference=str(uuid4()), identity=same)
        await registration.hear(ReturneeArrived.model_validate(told), source=source)
    rows = await registration.fetch("SELECT id FROM returnee WHERE source = $1", source)
    due = await registration.fetch("SELECT returnee_id FROM comparison_due")
    assert {row["id"] for row in rows} <= {row["returnee_id"] for row in due}
    await compare(registration)
    assert not await registration.fetch("SELECT FROM comparison_due")
    sides = sorted(row["id"] for row in rows)
    (match,) = await registration.fetch("SELECT * FROM match WHERE first_id = $1 AND second_id = $2", *sides)
    assert match["status"] == "open"


async def test_a_correction_finds_a_match_and_ends_one(registration):
    same = identity()
    first = await registration.register(identity=same)
    second = await registration.register(identity=identity())
    assert await matches(registration, second["id"]) == []
    fixed = await registration.patch(f"/v1/returnees/{second['id']}", {"identity": same}, etag='"1"')
    assert fixed.status_code == 200, fixed.text
    (match,) = await matches(registration, second["id"])
    assert {one["returnee_id"] for one in match["people"]} == {first["id"], second["id"]}
    await registration.patch(f"/v1/returnees/{second['id']}", {"identity": identity()}, etag='"2"')
    assert await matches(registration, second["id"]) == []


async def test_neither_keys_nor_matches_hold_a_fact_of_a_person(registration):
    first, second, match = await twice(registration)
    columns = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_name = ANY($1)"
    kinds = {row["data_type"] for row in await registration.fetch(columns, ["match_key", "comparison_due"])}
    assert kinds == {"bigint", "uuid", "timestamp with time zone"}
    (row,) = await registration.fetch("SELECT * FROM match WHERE id = $1", UUID(match["id"]))
    facts = await registration.get(f"/v1/returnees/{first['id']}")
    for value in facts.json()["identity"].values():
        assert value not in str(row)
    assert len(await registration.fetch("SELECT FROM match_key WHERE returnee_id = $1", UUID(second["id"]))) > 0


async def test_a_merge_and_its_undoing_leave_both_records_exactly_as_they_were(registration):
    first, second, match = await twice(registration)
    before = [await row_of(registration, one["id"]) for one in (first, second)]
    merged = await merge(registration, match, first["id"])
    assert (merged.status_code, merged.json()["status"]) == (200, "merged"), merged.text
    assert merged.headers["ETag"] == '"2"'
    shown = (await registration.get(f"/v1/returnees/{second['id']}")).json()
    assert (shown["merged"], shown["version"]) == (True, 2)
    assert await row_of(registration, first["id"]) == before[0]
    apart = await unmerge(registration, second["id"], version=2)
    assert (apart.status_code, apart.json()["merged"]) == (200, False), apart.text
    assert [await row_of(registration, one["id"]) for one in (first, second)] == before
    told = await registration.events("returnee.merged.v1", "returnee.unmerged.v1", "returnee.changed.v1")
    assert [{**one, "traceparent": None} for one in told] == [
        {"type": "returnee.merged.v1", "returnee_id": second["id"], "into_returnee_id": first["id"],
         "traceparent": None},
        {"type": "returnee.unmerged.v1", "returnee_id": second["id"], "from_returnee_id": first["id"],
         "traceparent": None},
    ]  # fmt: skip


async def test_each_decision_is_recorded_with_who_why_and_the_versions_of_both(registration):
    first, second, match = await twice(registration)
    await merge(registration, match, second["id"])
    await unmerge(registration, first["id"], version=2)
    rows = await registration.fetch("SELECT * FROM match_decision WHERE match_id = $1 ORDER BY id", UUID(match["id"]))
    assert [(row["status"], row["reason"]) for row in rows] == [("merged", "document_seen"), ("unmerged", "mistake")]
    assert [{row["first_version"], row["second_version"]} for row in rows] == [{2, 1}, {3, 1}]
    assert [row["into_id"] and str(row["into_id"]) for row in rows] == [second["id"], None]
    for person in (first, second):
        log = await registration.get(f"/v1/returnees/{person['id']}/access-log")
        assert {"returnee.merge", "returnee.unmerge"} <= {one["action"] for one in log.json()["items"]}


async def test_a_pair_told_apart_is_not_shown_again_even_after_a_correction(registration):
    first, second, match = await twice(registration)
    assert (await different(registration, match)).json()["status"] == "different"
    assert await matches(registration, second["id"]) == []
    renamed = {"identity": {"given_names": "Otra Persona"}}
    await registration.patch(f"/v1/returnees/{second['id']}", renamed, etag='"1"')
    assert await matches(registration, second["id"]) == []
    assert await matches(registration, first["id"]) == []


async def test_a_pair_told_apart_is_shown_again_if_a_birth_date_changes_and_more_speaks_for_one_person(registration):
    same = identity()
    first = await registration.register(identity=same)
    second = await registration.register(identity=same | {"birth_date": "1979-11-02"})
    (match,) = await matches(registration, second["id"])
    await different(registration, match)
    await registration.patch(
        f"/v1/returnees/{second['id']}", {"identity": {"birth_date": same["birth_date"]}}, etag='"1"'
    )
    (again,) = await matches(registration, second["id"])
    assert {one["returnee_id"] for one in again["people"]} == {first["id"], second["id"]}
    assert (again["id"], again["status"]) == (match["id"], "open")
    somebody_else = identity(birth_date="1961-02-28")
    await registration.patch(f"/v1/returnees/{second['id']}", {"identity": somebody_else}, etag='"2"')
    assert await matches(registration, second["id"]) == []


async def test_a_repeated_request_merges_once(registration):
    first, _, match = await twice(registration)
    body, headers = {"into": first["id"], "reason": "document_seen"}, registration.headers() | {"If-Match": '"1"'}
    answers = [
        await registration.client.post(f"/v1/matches/{match['id']}/merge", json=body, headers=headers) for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert len(await registration.events("returnee.merged.v1")) == 1


@pytest.mark.parametrize(("body", "pointer"), [({"into": str(uuid4()), "reason": "document_seen"}, "/into"),
                                               ({"into": str(uuid4())}, "/reason")])  # fmt: skip
async def test_a_merge_names_one_of_the_two_and_a_reason(registration, body, pointer):
    _, _, match = await twice(registration)
    headers = registration.headers() | {"If-Match": '"1"'}
    answer = await registration.client.post(f"/v1/matches/{match['id']}/merge", json=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert not await registration.events("returnee.merged.v1")


async def test_a_decision_needs_the_version_that_was_read(registration):
    first, _, match = await twice(registration)
    body = {"into": first["id"], "reason": "document_seen"}
    answer = await registration.post(f"/v1/matches/{match['id']}/merge", body)
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition-required")
    stale = await merge(registration, match | {"version": 7}, first["id"])
    assert (stale.status_code, stale.json()["code"]) == (412, "version-mismatch")


async def test_a_row_that_cannot_be_decrypted_stops_the_comparison_of_nobody_else(registration):
    spoilt = await registration.register(identity=identity())
    broken = "UPDATE returnee SET given_names_sealed = family_names_sealed WHERE id = $1"
    await registration.fetch(broken, UUID(spoilt["id"]))
    first, second, match = await twice(registration)
    assert {one["returnee_id"] for one in match["people"]} == {first["id"], second["id"]}
    await compare(registration)
    assert not await registration.fetch("SELECT FROM comparison_due")
    await registration.post(f"/v1/returnees/{spoilt['id']}/erasure")


TWINS = ({"given_names": "Juana Lucía", "document_number": "1111111110101"},
         {"given_names": "Rosa Elena", "document_number": "2222222220101"})  # fmt: skip
FATHER_AND_SON = ({"birth_date": "1965-03-09", "document_number": "3333333330101"},
                  {"birth_date": "1992-08-21", "document_number": "4444444440101"})  # fmt: skip


@pytest.mark.parametrize("relatives", [TWINS, FATHER_AND_SON], ids=["twins", "father and son of one name"])
async def test_relatives_are_never_the_same(registration, relatives):
    shared = identity()
    people = [await registration.register(identity=shared | own) for own in relatives]
    await compare(registration)
    found = [one for one in await matches(registration, people[0]["id"]) if people[1]["id"] in str(one)]
    assert [one["band"] for one in found] in ([], ["review"])


async def test_the_memory_of_the_service_keeps_no_name_after_a_comparison(registration):
    """Taken out: `forget` in `_compare`."""
    await twice(registration)
    assert [cache.cache_info().currsize for cache in CACHES] == [0] * len(CACHES)


async def test_who_asks_about_one_person_compares_only_that_one_and_finds_all_who_wait(registration):
    """Taken out: `others` in `compare_now` (the first one is not found), or passed as due (nobody waits afterwards)."""
    await compare(registration)
    same = identity()
    first, stranger = await registration.register(identity=same), await registration.register(identity=identity())
    second = await registration.register(identity=same)
    (match,) = await matches(registration, second["id"])
    assert {one["returnee_id"] for one in match["people"]} == {first["id"], second["id"]}
    due = {str(row["returnee_id"]) for row in await registration.fetch("SELECT returnee_id FROM comparison_due")}
    assert due >= {first["id"], stranger["id"]}
    assert second["id"] not in due
