"""What a merge does to the other data of a person: contact, record of access, progress, and no rule of anybody."""

import ast
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.registration import EVENTS, ReturneeMerged, ReturneeUnmerged, RoutingProfile
from tests.service.registration.conftest import LANDED_AT, a_consent
from tests.service.registration.matching import compare, days_ago, identity, match_of, merge, unmerge

ROOT = Path(__file__).resolve().parents[3]


async def two(registration, **of_second):
    """Two records of one person and their match."""
    same = identity()
    phone = {"channel": "sms", "address": f"+5025{int(uuid4()) % 10**7:07d}"}
    first = await registration.register(identity=same, safe_contact=phone, consents=[a_consent()])
    second = await registration.register(identity=same, **of_second)
    await compare(registration)
    match = await match_of(registration, first, second)
    return first, second, match


async def contact_of(registration, person):
    answer = await registration.get(
        f"/v1/returnees/{person['id']}/safe-contact?purpose=referral", scopes="safe-contact:read"
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["channel"]


async def test_who_has_said_later_that_nobody_may_call_is_called_under_no_record(registration):
    """Each record keeps its contact. Without the look at the other one, a message would reach a phone that is not
    safe any more."""
    first, second, match = await two(registration, safe_contact={"channel": "none"})
    assert await contact_of(registration, first) == "sms"
    await merge(registration, match, second["id"])
    assert await contact_of(registration, first) == "none"
    await unmerge(registration, first["id"], version=2)
    assert await contact_of(registration, first) == "sms"


async def test_consents_stay_with_the_record_for_which_they_were_given(registration):
    first, second, match = await two(registration)
    await merge(registration, match, second["id"])
    for person, count in ((first, 1), (second, 0)):
        found = (await registration.get(f"/v1/returnees/{person['id']}/consents")).json()
        assert len(found["items"] if isinstance(found, dict) else found) == count
    assert not await registration.events("consent.changed.v1", key=second["id"])


async def test_the_record_of_access_of_a_merged_person_is_one_list(registration):
    first, second, match = await two(registration)
    alone = (await registration.get(f"/v1/returnees/{second['id']}/access-log?limit=200")).json()["items"]
    await merge(registration, match, second["id"])
    whole = (await registration.get(f"/v1/returnees/{second['id']}/access-log?limit=200")).json()["items"]
    assert [one["action"] for one in whole].count("returnee.register") == 2
    assert [one["action"] for one in alone].count("returnee.register") == 1
    await unmerge(registration, first["id"], version=2)
    again = (await registration.get(f"/v1/returnees/{second['id']}/access-log?limit=200")).json()["items"]
    assert [one["action"] for one in again].count("returnee.register") == 1


async def test_a_return_after_an_earlier_one_is_counted_and_a_double_registration_is_not(registration):
    batch = await registration.announce(0)
    same, other = identity(), identity()
    early = await registration.register(identity=same, arrived_at=days_ago(40))
    late = await registration.register(identity=same, batch_reference=batch["sender_reference"])
    twice = [await registration.register(identity=other, batch_reference=batch["sender_reference"]) for _ in range(2)]
    await compare(registration)
    assert await returned_again(registration, batch) == 0
    for one, into in ((early, late), twice):
        match = await match_of(registration, one, into)
        assert (await merge(registration, match, into["id"])).status_code == 200
    assert await returned_again(registration, batch) == 1
    await unmerge(registration, early["id"], version=2)
    assert await returned_again(registration, batch) == 0


async def returned_again(registration, batch):
    """The figure of the progress of the intake."""
    since = days_ago(1).replace("+", "%2B")
    items = (
        await registration.get(f"/v1/arrival-batches/progress?limit=200&since={since}", scopes="progress:read")
    ).json()["items"]
    return next(one["returned_again"] for one in items if one["batch_id"] == batch["id"])


async def test_the_profile_that_routing_gets_is_the_same_with_and_without_an_earlier_return(registration):
    same = identity()
    early = await registration.register(identity=same, arrived_at=days_ago(40))
    late = await registration.register(identity=same)
    await compare(registration)
    match = await match_of(registration, early, late)
    told = await registration.events(key=late["id"])
    await merge(registration, match, late["id"])
    assert await registration.events(key=late["id"]) == told, "nothing new is told of the record that continues"
    (merged,) = [one for one in await registration.events(key=early["id"]) if one["type"] == "returnee.merged.v1"]
    assert set(merged) == {"returnee_id", "into_returnee_id", "type", "traceparent"}
    await registration.patch(f"/v1/returnees/{late['id']}", {"profile": {"languages": ["mam"]}}, etag='"1"')
    (changed,) = [one for one in await registration.events(key=late["id"]) if one["type"] == "returnee.changed.v1"]
    assert set(changed) == set(RoutingProfile.model_fields) | {"type", "traceparent"}
    assert LANDED_AT.isoformat()[:10] not in str(changed)


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.type)
def test_no_event_but_the_merge_itself_tells_of_another_record_or_return(event):
    names = " ".join(event.model_fields)
    telling = any(word in names for word in ("merged", "into_returnee", "from_returnee", "again", "earlier", "return_"))
    assert telling == (event in (ReturneeMerged, ReturneeUnmerged))


def test_no_rule_and_no_score_of_referral_reads_merges_or_earlier_returns():
    for part in ("candidates", "router", "judging", "pack", "places", "waitlists"):
        for path in (ROOT / "services/referral" / part).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = {one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)}
            names |= {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
            assert not names & {"merged_into", "moved_from", "returned_again", "arrivals", "earlier_arrivals"}, path


async def test_nothing_is_merged_without_a_person(registration):
    first, second, _ = await two(registration)
    await compare(registration)
    rows = await registration.fetch(
        "SELECT merged_into FROM returnee WHERE id = ANY($1)", [UUID(first["id"]), UUID(second["id"])]
    )
    assert [row["merged_into"] for row in rows] == [None, None]
    assert not await registration.events("returnee.merged.v1")
