"""What is done with ordinary needs is done with restricted ones too, in their store."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from libs.events.catalogue.referral import NeedMet, NeedReopened
from tests.service.registration.conftest import LANDED_AT
from tests.service.registration.test_restricted_store import GBV, READING, needs_of, tell


async def test_told_again_it_is_the_same_need_under_every_name_and_as_urgent_as_ever_said(registration):
    person = await registration.register()
    first = await tell(registration, person, sender_reference="n-1")
    assert first.status_code == 201
    answers = [await tell(registration, person, urgency=one) for one in ("urgent", "normal", "emergency")]
    answers += [await tell(registration, person, sender_reference=one) for one in ("n-1", "n-2", "n-2")]
    assert {answer.json()["id"] for answer in answers} == {first.json()["id"]}
    assert [answer.status_code for answer in answers] == [200, 200, 200, 201, 200, 200]
    (need,) = await needs_of(registration, person)
    assert (need["category"], need["urgency"]) == ("gbv", "emergency")
    taken = [await tell(registration, person, sender_reference=one, category="food") for one in ("n-1", "n-2")]
    assert [answer.json()["code"] for answer in taken] == ["need-reference-taken"] * 2
    events = await registration.events("need.reported.v1", key=person["id"])
    assert {event["need_id"] for event in events} == {first.json()["id"]}
    assert {event["urgency"] for event in events} == {"normal", "urgent", "emergency"}


async def test_told_by_many_at_once_it_is_one_need(registration):
    person = await registration.register()
    answers = await asyncio.gather(*(tell(registration, person) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len(await needs_of(registration, person)) == 1


async def test_one_waits_for_another_also_when_that_one_was_told_before(registration):
    needs = [{"category": "documents"}, GBV, GBV, {"category": "anti_trafficking", "after_category": "gbv"}]
    person = await registration.register(needs=needs)
    (documents, gbv, trafficking) = await needs_of(registration, person)
    assert (gbv["category"], trafficking["after_need_id"]) == ("gbv", gbv["id"])
    again = {"category": "anti_trafficking", "after_need_id": documents["id"], "second_reason": "another_time"}
    assert (await tell(registration, person, **again)).json()["after_need_id"] == documents["id"]


async def test_what_has_ended_or_was_withdrawn_is_told_anew_and_what_is_reopened_stands_beside_it(registration):
    person = await registration.register()
    first = (await tell(registration, person)).json()["id"]
    await registration.post(f"/v1/returnees/{person['id']}/needs/{first}/withdraw", scopes=READING)
    withdrawn = await registration.post(f"/v1/returnees/{person['id']}/needs/{first}/withdraw", scopes=READING)
    assert withdrawn.json()["code"] == "need-already-withdrawn"
    (event,) = await registration.events("need.withdrawn.v1", key=person["id"])
    assert event["need_id"] == first
    second = (await tell(registration, person)).json()
    assert second["told_again"] is False
    told = {
        "returnee_id": person["id"],
        "case_code": person["case_code"],
        "need_id": second["id"],
        "category": "gbv",
    }
    at = datetime.now(UTC)
    await registration.hear(NeedMet(**told, at=at))
    third = (await tell(registration, person)).json()
    assert third["told_again"] is False
    await registration.hear(NeedReopened(**told, at=at + timedelta(seconds=1)))
    await registration.hear(NeedMet(**told, at=at - timedelta(seconds=1)))  # an older word changes nothing
    reasons = {need["id"]: need["second_reason"] for need in await needs_of(registration, person)}
    assert reasons == {first: None, second["id"]: "another_time", third["id"]: None}


async def test_a_households_need_is_everybodys_of_it(registration):
    shared = {"household_reference": f"family-{uuid4()}", "household_size": 2}
    one, other = [await registration.register(**shared) for _ in range(2)]
    told = await tell(registration, one, people_count=2)
    again = await tell(registration, other, people_count=2)
    assert (told.status_code, again.json()["id"]) == (201, told.json()["id"])
    for person in (one, other):
        assert [need["id"] for need in await needs_of(registration, person)] == [told.json()["id"]]
    own = await tell(registration, other)
    assert own.status_code == 201
    assert len(await needs_of(registration, one)) == 1


async def test_pages_of_both_kinds_are_in_the_order_of_telling(registration):
    needs = [{"category": one} for one in ("food", "gbv", "shelter", "anti_trafficking", "documents")]
    person = await registration.register(needs=needs)
    found, path = [], f"/v1/returnees/{person['id']}/needs?limit=2"
    while path:
        page = (await registration.get(path, scopes=READING)).json()
        found += [need["category"] for need in page["items"]]
        path = page["next"] and f"/v1/returnees/{person['id']}/needs?limit=2&after={page['next']}"
    assert found == [need["category"] for need in needs]


async def test_referral_waits_for_restricted_needs_too(registration):
    batch = await registration.announce(0)
    needs = [{"category": "food"}, {"category": "gbv"}]
    await registration.register(batch_reference=batch["sender_reference"], needs=needs)
    path = f"/v1/arrival-batches/{batch['id']}"
    landed = await registration.post(f"{path}/land", {"people_count": 1, "landed_at": LANDED_AT.isoformat()})
    assert landed.json()["status"] == "intake_completed", landed.text
    (event,) = await registration.events("arrival-batch.intake-completed.v1", key=batch["id"])
    assert event["need_count"] == 2
