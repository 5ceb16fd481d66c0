"""What a caller learns of a match: no more of the other person than the day and the place, and nothing where protection
forbids."""

from uuid import UUID, uuid4

import pytest

from libs.chassis.database import raw
from tests.service.registration.conftest import a_returnee
from tests.service.registration.matching import DESK, compare, decide, different, identity, matches, merge, unmerge
from tests.service.registration.test_walls import caller

NORTH = {"client_id": "north", "reception_places": ["GT01"], "scopes": DESK}
WEST = {"client_id": "west", "reception_places": ["GT12"], "scopes": DESK}
COUNTRY = {"client_id": "country", "scopes": DESK}
PROTECTION = {"client_id": "protection", "scopes": f"{DESK} restricted:read"}
CHILD_DESK = {"client_id": "pgn-child-desk", "scopes": DESK}
CHILD = "2018-04-17"


async def pair_at(registration, first_place, second_place, *, of=None, **changes):
    """One person registered at two places; both records and their match, as the service finds it."""
    same = identity(**changes.pop("identity", {}))
    people = []
    for place in (first_place, second_place):
        told = a_returnee(identity=same, **changes) | {"reception_place": place}
        answer = await registration.post("/v1/returnees", told, **(of or {}))
        assert answer.status_code == 201, answer.text
        people.append(answer.json())
    await compare(registration)
    ids = sorted(one["id"] for one in people)
    rows = await registration.fetch("SELECT id, version FROM match WHERE first_id = $1 AND second_id = $2", *ids)
    return (*people, {name: str(value) for name, value in rows[0].items()})


async def listed(registration, match, **claims):
    """Whether the match is in the list of the caller, over all pages."""
    path = "/v1/matches?limit=200"
    while True:
        page = (await registration.get(path, **claims)).json()
        if match["id"] in {one["id"] for one in page["items"]}:
            return True
        if page["next"] is None:
            return False
        path = f"/v1/matches?limit=200&after={page['next']}"


async def test_another_centre_learns_day_and_place_only(registration):
    north, west, match = await pair_at(registration, "GT01", "GT12")
    (told,) = await matches(registration, north["id"], **NORTH)
    assert (told["can_be_decided"], told["weight"], told["reasons"]) == (False, None, [])
    other = next(one for one in told["people"] if one["returnee_id"] is None)
    assert {name for name, value in other.items() if value is not None} == {"registered_on", "reception_place"}
    assert other["reception_place"] == "GT12"
    compared = (await registration.get(f"/v1/matches/{match['id']}", **NORTH)).json()
    assert [one["identity"] is None for one in compared["people"]].count(True) == 1
    whole = f"{told}{compared}"
    assert west["id"] not in whole
    assert west["case_code"] not in whole
    assert (await registration.get(f"/v1/returnees/{west['id']}/matches", **NORTH)).status_code == 404


async def test_who_sees_one_of_the_two_decides_nothing(registration):
    north, west, match = await pair_at(registration, "GT01", "GT12")
    for claims, own in ((NORTH, north), (WEST, west)):
        for answer in (await merge(registration, match, own["id"], **claims),
                       await different(registration, match, **claims)):  # fmt: skip
            assert (answer.status_code, answer.json()["code"]) == (403, "other-record-hidden")
    assert (await merge(registration, match, north["id"], **COUNTRY)).status_code == 200
    for claims in (NORTH, WEST):
        answer = await unmerge(registration, west["id"], version=2, **claims)
        assert answer.status_code in (403, 404)
    assert not await registration.events("returnee.unmerged.v1")


async def test_for_others_a_match_does_not_exist(registration):
    north, _, match = await pair_at(registration, "GT01", "GT01")
    elsewhere = {"client_id": "east", "reception_places": ["GT13"], "scopes": DESK}
    partner = {"client_id": "partner", "organization_id": uuid4(), "reception_places": [], "staff": False,
               "scopes": DESK}  # fmt: skip
    for claims in (elsewhere, partner):
        assert not await listed(registration, match, **claims)
        assert (await registration.get(f"/v1/matches/{match['id']}", **claims)).status_code == 404
        assert (await merge(registration, match, north["id"], **claims)).status_code == 404
        assert (await different(registration, match, **claims)).status_code == 404
        assert (await unmerge(registration, north["id"], version=1, **claims)).status_code == 404
    assert await listed(registration, match, **NORTH)


async def test_a_person_of_another_organisation_stays_hidden(registration):
    ours = {"client_id": "ours", "organization_id": uuid4(), "reception_places": [], "staff": False}
    same = identity()
    on_a_bus = a_returnee(identity=same, batch_reference=f"bus-{uuid4()}")
    theirs = await registration.post("/v1/returnees", on_a_bus, **ours)
    assert theirs.status_code == 201, theirs.text
    network = await registration.register(identity=same)
    (told,) = await matches(registration, network["id"], **NORTH)
    assert theirs.json()["id"] not in str(told)
    assert not told["can_be_decided"]
    other = ours | {"organization_id": uuid4()}
    assert (await registration.get(f"/v1/matches/{told['id']}", **(other | {"scopes": DESK}))).status_code == 404


async def test_without_the_scope_nothing_is_decided(registration):
    north, _, match = await pair_at(registration, "GT01", "GT01")
    claims = {"scopes": "returnees:read returnees:write intake:decide"}
    assert (await registration.get("/v1/matches", **claims)).status_code == 403
    assert (await merge(registration, match, north["id"], **claims)).status_code == 403
    assert (await different(registration, match, **claims)).status_code == 403
    assert (await unmerge(registration, north["id"], version=1, **claims)).status_code == 403


@pytest.mark.parametrize("flag", ["fears_return", "restricted_path"])
async def test_a_match_of_a_protected_person_exists_for_the_desk_of_restricted_cases_only(registration, flag):
    same = identity()
    plain = await registration.register(identity=same)
    profile = {"nationality": "GT", "identity_document": "held", "protection_flags": [flag]}
    protected = await registration.register(identity=same, profile=profile)
    for person in (plain, protected):
        assert await matches(registration, person["id"], **COUNTRY) == []
    (match,) = await matches(registration, plain["id"], **PROTECTION)
    assert not await listed(registration, match, **COUNTRY)
    assert (await registration.get(f"/v1/matches/{match['id']}", **COUNTRY)).status_code == 404
    assert (await merge(registration, match, plain["id"], **COUNTRY)).status_code == 404
    assert (await different(registration, match, **COUNTRY)).status_code == 404
    assert (await merge(registration, match, plain["id"], **PROTECTION)).status_code == 200
    assert (await unmerge(registration, protected["id"], version=2, **COUNTRY)).status_code == 404
    assert (await unmerge(registration, protected["id"], version=2, **PROTECTION)).status_code == 200


async def test_a_match_of_a_child_alone_exists_for_the_desk_for_children_only(registration):
    first, second, match = await pair_at(registration, "GT01", "GT12", identity={"birth_date": CHILD})
    for claims in (COUNTRY, PROTECTION):
        assert await matches(registration, first["id"], **claims) == []
        assert (await merge(registration, match, first["id"], **claims)).status_code == 404
    (told,) = await matches(registration, first["id"], **CHILD_DESK)
    assert told["can_be_decided"]
    assert (await merge(registration, match, first["id"], **CHILD_DESK)).status_code == 200
    assert (await unmerge(registration, second["id"], version=2, **COUNTRY)).status_code == 404
    assert (await unmerge(registration, second["id"], version=2, **CHILD_DESK)).status_code == 200


async def test_a_flag_that_is_told_later_takes_the_match_away_at_once(registration):
    first, second, match = await pair_at(registration, "GT01", "GT01")
    assert await listed(registration, match, **COUNTRY)
    flagged = {"profile": {"protection_flags": ["fears_return"]}}
    await registration.patch(f"/v1/returnees/{second['id']}", flagged, etag='"1"')
    assert not await listed(registration, match, **COUNTRY)
    assert (await merge(registration, match, first["id"], **COUNTRY)).status_code == 404


async def test_hidden_matches_leave_no_gap_in_the_pages(registration):
    here = {"client_id": "ours", "organization_id": uuid4(), "reception_places": [], "staff": False,
            "scopes": DESK}  # fmt: skip
    shown = []
    for flags in ([], ["fears_return"], ["fears_return"], [], ["fears_return"]):
        profile = {"nationality": "GT", "identity_document": "held", "protection_flags": flags}
        same = identity()
        for _ in range(2):
            answer = await registration.post("/v1/returnees", a_returnee(identity=same, profile=profile), **here)
            assert answer.status_code == 201, answer.text
        await compare(registration)
        if not flags:
            shown += [one["id"] for one in await matches(registration, answer.json()["id"], **here)]
    pages, path = [], "/v1/matches?limit=1"
    while path:
        page = (await registration.get(path, **here)).json()
        pages.append([one["id"] for one in page["items"]])
        path = page["next"] and f"/v1/matches?limit=1&after={page['next']}"
    assert pages == [[one] for one in shown]


async def test_reads_of_a_pair_are_recorded_for_the_people_who_are_shown(registration):
    north, west, match = await pair_at(registration, "GT01", "GT12")
    reader = f"reader-{uuid4()}"
    await registration.get(f"/v1/matches/{match['id']}", **(NORTH | {"client_id": reader}))
    rows = await registration.fetch("SELECT subject_id, action FROM audit_entry WHERE client_id = $1", reader)
    assert [(str(row["subject_id"]), row["action"]) for row in rows] == [(north["id"], "match.read")]
    assert west["id"] != north["id"]


async def test_a_match_of_nobody_is_not_found(registration):
    body = {"into": str(uuid4()), "reason": "document_seen"}
    for path in ("merge", "different"):
        answer = await decide(
            registration, f"/v1/matches/{uuid4()}/{path}", body if path == "merge" else {"reason": "mistake"}, version=1
        )
        assert answer.status_code == 404


async def test_the_database_keeps_matches_back_too(registration):
    """Without the policies of the migration, a query that forgets its condition would show every pair."""
    _, _, match = await pair_at(registration, "GT01", "GT01")
    for claims, count in (({"reception_places": ["GT01"]}, 1), ({"reception_places": ["GT12"]}, 0)):
        async with caller(registration, **claims)() as session:
            connection = await raw(session)
            assert await connection.fetchval("SELECT count(*) FROM match WHERE id = $1", UUID(match["id"])) == count
            for table in ("match_key", "comparison_due"):
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
