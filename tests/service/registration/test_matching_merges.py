"""Merges in rows, circles and households, of erased people, at once with other work; and what becomes of arrivals."""

import asyncio
from uuid import UUID, uuid4

from services.registration.erasure.rules import REACH
from services.registration.matching.actions.comparing import compare_due
from tests.service.registration.conftest import LANDED_AT, a_returnee
from tests.service.registration.matching import (
    PRIORS,
    compare,
    days_ago,
    different,
    identity,
    match_of,
    matches,
    merge,
    row_of,
    twice,
    unmerge,
)


async def thrice(registration):
    """One person registered three times; the ids in order."""
    same = identity()
    people = [await registration.register(identity=same) for _ in range(3)]
    await compare(registration)
    return people


async def test_a_merged_record_is_merged_no_second_time_and_never_in_a_circle(registration):
    a, b, c = await thrice(registration)
    of_a_b, of_b_c, of_a_c = [await match_of(registration, *two) for two in ((a, b), (b, c), (a, c))]
    assert (await merge(registration, of_a_b, b["id"])).status_code == 200
    again = await merge(registration, of_a_b | {"version": 2}, a["id"])
    assert (again.status_code, again.json()["code"]) == (409, "match-already-merged")
    for into in (a, c):
        answer = await merge(registration, of_a_c, into["id"])
        assert (answer.status_code, answer.json()["code"]) == (409, "returnee-merged")
    assert (await merge(registration, of_b_c, c["id"])).status_code == 200
    answer = await merge(registration, of_a_c, a["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "returnee-merged"), "A goes on as B as C"
    assert (await different(registration, of_a_b | {"version": 2})).json()["code"] == "match-already-merged"


async def test_merges_in_a_row_are_undone_in_reverse(registration):
    a, b, c = await thrice(registration)
    of_a_b, of_b_c = [await match_of(registration, *two) for two in ((a, b), (b, c))]
    before = [await row_of(registration, one["id"]) for one in (a, b, c)]
    await merge(registration, of_a_b, b["id"])
    await merge(registration, of_b_c, c["id"])
    early = await unmerge(registration, a["id"], version=2)
    assert (early.status_code, early.json()["code"]) == (409, "later-merge-stands")
    never = await unmerge(registration, c["id"], version=1)
    assert (never.status_code, never.json()["code"]) == (409, "returnee-not-merged")
    assert (await unmerge(registration, b["id"], version=2)).status_code == 200
    assert (await unmerge(registration, a["id"], version=2)).status_code == 200
    assert [await row_of(registration, one["id"]) for one in (a, b, c)] == before


async def test_after_a_merge_a_new_match_is_with_the_record_that_continues(registration):
    first, second, match = await twice(registration)
    await merge(registration, match, first["id"])
    seen = (await registration.get(f"/v1/returnees/{second['id']}")).json()["identity"]
    third = await registration.register(identity=seen)
    (found,) = await matches(registration, third["id"])
    assert {one["returnee_id"] for one in found["people"]} == {first["id"], third["id"]}
    await unmerge(registration, second["id"], version=2)
    await compare(registration)
    assert len(await matches(registration, third["id"])) == 2


async def test_who_is_different_from_a_merged_record_is_not_proposed_again_for_the_one_that_continues(registration):
    a, b, c = await thrice(registration)
    of_a_b, of_b_c, of_a_c = [await match_of(registration, *two) for two in ((a, b), (b, c), (a, c))]
    await different(registration, of_a_c)
    await merge(registration, of_a_b, b["id"])
    await compare(registration)
    assert await matches(registration, c["id"]) == []
    assert of_b_c["status"] == "open"


async def test_members_of_one_household_are_not_merged(registration):
    reference = str(uuid4())
    same = identity()
    first, second = [
        await registration.register(identity=same, household_reference=reference, reception_place="GT01")
        for _ in range(2)
    ]
    match = await match_of(registration, first, second)
    answer = await merge(registration, match, first["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "members-of-one-household")
    assert not await registration.events("returnee.merged.v1")


async def test_an_erasure_of_one_record_erases_all_of_the_person(registration):
    first, second, match = await twice(registration)
    await merge(registration, match, first["id"])
    assert (await registration.post(f"/v1/returnees/{second['id']}/erasure")).status_code == 200
    for person in (first, second):
        gone = await registration.get(f"/v1/returnees/{person['id']}")
        assert (gone.status_code, gone.json()["code"]) == (410, "returnee-erased")
    told = await registration.events("returnee.erased.v1")
    assert {one["returnee_id"] for one in told} == {first["id"], second["id"]}
    keys = "SELECT FROM data_key WHERE subject_id = ANY($1)"
    assert not await registration.fetch(keys, [UUID(first["id"]), UUID(second["id"])], keys=True)


async def test_an_erasure_leaves_no_key_and_no_match_and_decides_nothing_later(registration):
    first, second, match = await twice(registration)
    await registration.post(f"/v1/returnees/{first['id']}/erasure")
    for table in ("match_key", "comparison_due"):
        assert not await registration.fetch(f"SELECT FROM {table} WHERE returnee_id = $1", UUID(first["id"]))
        assert REACH[table].deleted
    assert not await registration.fetch("SELECT FROM match WHERE id = $1", UUID(match["id"]))
    assert (await merge(registration, match, second["id"])).status_code == 404
    assert await matches(registration, second["id"]) == []
    gone = await unmerge(registration, first["id"], version=2)
    assert gone.status_code in (404, 410)


async def test_two_clerks_who_merge_one_pair_at_once_merge_it_once(registration):
    first, second, match = await twice(registration)
    answers = await asyncio.gather(
        merge(registration, match, first["id"]), merge(registration, match, second["id"], client_id="other")
    )
    assert sorted(one.status_code for one in answers) == [200, 412]
    assert len(await registration.events("returnee.merged.v1")) == 1


async def test_merges_of_three_records_at_once_make_no_circle(registration):
    a, b, c = await thrice(registration)
    pairs = [await match_of(registration, *two) for two in ((a, b), (b, c), (a, c))]
    answers = await asyncio.gather(
        *(merge(registration, one, into["id"]) for one, into in zip(pairs, (b, c, a), strict=True))
    )
    assert {one.status_code for one in answers} <= {200, 409}
    rows = {one["id"]: (await row_of(registration, one["id"]))["merged_into"] for one in (a, b, c)}
    assert [value for value in rows.values() if value is None], "somebody continues"


async def test_a_merge_and_a_correction_and_a_comparison_at_once_lose_nothing(registration):
    first, second, match = await twice(registration)

    async def comparing():
        async with registration.database.transaction() as session:
            return await compare_due(session, limit=100, vault=registration.vault, priors=PRIORS)

    patched, merged, _ = await asyncio.gather(
        registration.patch(f"/v1/returnees/{second['id']}", {"identity": {"given_names": "Nombre Nuevo"}}, etag='"1"'),
        merge(registration, match, first["id"]),
        comparing(),
    )
    assert {patched.status_code, merged.status_code} <= {200, 404, 412}
    shown = (await registration.get(f"/v1/returnees/{second['id']}")).json()
    assert shown["merged"] == (merged.status_code == 200)
    assert (shown["identity"]["given_names"] == "Nombre Nuevo") == (patched.status_code == 200)
    assert len(await registration.events("returnee.merged.v1")) == (merged.status_code == 200)
    await compare(registration)
    assert not await registration.fetch("SELECT FROM comparison_due")


async def test_earlier_arrivals_are_linked_by_a_merge_and_shown_to_who_may_see_them(registration):
    same = identity()
    early = await registration.register(identity=same, arrived_at=days_ago(20))
    late = await registration.register(identity=same)
    alone = (await registration.get(f"/v1/returnees/{late['id']}/arrivals")).json()["items"]
    assert [one["returnee_id"] for one in alone] == [late["id"]]
    match = await match_of(registration, early, late)
    await merge(registration, match, late["id"])
    for person in (early, late):
        items = (await registration.get(f"/v1/returnees/{person['id']}/arrivals")).json()["items"]
        assert [one["returnee_id"] for one in items] == [late["id"], early["id"]]
        assert [one["merged"] for one in items] == [False, True]
    hidden = {"client_id": "west", "reception_places": ["GT12"]}
    assert (await registration.get(f"/v1/returnees/{late['id']}/arrivals", **hidden)).status_code == 404


async def test_only_arrivals_that_the_caller_may_see_are_listed(registration):
    same = identity()
    early = (await registration.post("/v1/returnees", a_returnee(identity=same) | {"reception_place": "GT12"})).json()
    late = await registration.register(identity=same)
    await merge(registration, await match_of(registration, early, late), late["id"])
    north = {"client_id": "north", "reception_places": ["GT01"]}
    items = (await registration.get(f"/v1/returnees/{late['id']}/arrivals", **north)).json()["items"]
    assert [one["returnee_id"] for one in items] == [late["id"]]
    assert LANDED_AT.date().isoformat() in items[0]["arrived_at"]
