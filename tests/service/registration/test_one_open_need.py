"""One open need of a kind for each person, whichever way it is told again: by REST, in one body, by event, at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.catalogue.referral import NeedMet, NeedReopened
from tests.service.registration.conftest import RECEPTION, a_returnee

SHELTER = {"category": "shelter", "urgency": "normal"}


async def tell(registration, person, **changes):
    claims = {name: changes.pop(name) for name in ("scopes", "client_id") if name in changes}
    return await registration.post(f"/v1/returnees/{person['id']}/needs", {**SHELTER, **changes}, **claims)


async def needs_of(registration, person):
    return (await registration.get(f"/v1/returnees/{person['id']}/needs")).json()["items"]


async def reported(registration, person):
    return await registration.events("need.reported.v1", key=person["id"])


async def test_the_same_need_told_twice_is_one_need_and_the_second_answer_says_so(registration):
    """Two needs, and so two places at one shelter, without the unique indexes."""
    person = await registration.register()
    first = await tell(registration, person, sender_reference="n-1")
    assert (first.status_code, first.json()["told_again"]) == (201, False)
    for reference in ({"sender_reference": "n-2"}, {}):
        again = await tell(registration, person, **reference)
        assert (again.status_code, again.json()["told_again"]) == (200, True)
        assert again.json()["id"] == first.json()["id"]
        assert again.headers["Location"].endswith(first.json()["id"])
    assert [one["id"] for one in await needs_of(registration, person)] == [first.json()["id"]]
    assert {one["need_id"] for one in await reported(registration, person)} == {first.json()["id"]}


async def test_a_repeat_sent_again_under_its_key_or_its_reference_gets_the_same_answer_and_tells_nothing(registration):
    person = await registration.register()
    await tell(registration, person)
    headers, body = registration.headers(), {**SHELTER, "sender_reference": "n-2"}
    path = f"/v1/returnees/{person['id']}/needs"
    answers = [await registration.client.post(path, json=body, headers=headers) for _ in range(2)]
    answers.append(await tell(registration, person, sender_reference="n-2"))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert len(await reported(registration, person)) == 2
    taken = await tell(registration, person, sender_reference="n-2", category="food")
    assert (taken.status_code, taken.json()["code"]) == (409, "need-reference-taken")


async def test_twice_in_one_body_is_once_and_what_waits_for_it_waits_for_the_one_that_stands(registration):
    """By REST and by event. A 500 without `_after_what_stands`: the need that was waited for was never stored."""
    needs = [
        {"category": "documents"},
        {"category": "documents", "urgency": "urgent"},
        {"category": "employment", "after_category": "documents"},
    ]
    person = await registration.register(needs=needs)
    source = f"urn:reception:{uuid4()}"
    await registration.hear(ReturneeArrived(sender_reference="person", **a_returnee(needs=needs)), source=source)
    (heard,) = await registration.fetch("SELECT id FROM returnee WHERE source = $1", source)
    for one in (person, {"id": str(heard["id"])}):
        documents, employment = await needs_of(registration, one)
        assert (documents["category"], documents["urgency"]) == ("documents", "urgent")
        assert employment["after_need_id"] == documents["id"]


async def test_told_by_forty_at_once_it_is_one_need(registration):
    person = await registration.register()
    answers = await asyncio.gather(*(tell(registration, person) for _ in range(40)))
    assert sorted(answer.status_code for answer in answers) == [200] * 39 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await needs_of(registration, person)) == 1


async def test_a_more_urgent_telling_raises_the_first_and_a_less_urgent_one_lowers_nothing(registration):
    person = await registration.register(needs=[SHELTER])
    for urgency, counts in (("urgent", "urgent"), ("normal", "urgent"), ("emergency", "emergency")):
        assert (await tell(registration, person, urgency=urgency)).json()["urgency"] == counts
    assert [one["urgency"] for one in await reported(registration, person)] == [
        "normal", "urgent", "urgent", "emergency",
    ]  # fmt: skip


@pytest.mark.parametrize("reference", [{}, {"sender_reference": "n-1"}], ids=["without a reference", "under the same"])
@pytest.mark.parametrize("way", ["needs", "arrival", "event"])
async def test_who_says_emergency_now_does_not_wait_as_before_whatever_names_the_need(registration, way, reference):
    """Seen to be lost under the same reference, and set aside without one."""
    name, source = f"person-{uuid4()}", f"urn:reception:{uuid4()}"
    body = a_returnee(sender_reference=name, needs=[SHELTER | reference])
    more = body | {"needs": [SHELTER | reference | {"urgency": "emergency"}]}
    if way == "event":
        await registration.hear(ReturneeArrived.model_validate(body), source=source)
        (row,) = await registration.fetch("SELECT id FROM returnee WHERE source = $1", source)
        person = {"id": str(row["id"])}
        for one in (more, more, body):
            await registration.hear(ReturneeArrived.model_validate(one), source=source)
    else:
        person = await registration.register(**body)
        for one in (more, more, body):
            if way == "arrival":
                told = await registration.post("/v1/returnees", one)
            else:
                told = await tell(registration, person, **one["needs"][0])
            assert told.status_code in {200, 201}, told.text
    assert [(one["category"], one["urgency"]) for one in await needs_of(registration, person)] == [
        ("shelter", "emergency")
    ]
    assert {"normal", "emergency"} == {one["urgency"] for one in await reported(registration, person)}


async def test_a_household_and_its_members_have_a_need_each(registration):
    reference = {"household_reference": f"family-{uuid4()}", "household_size": 3}
    people = [await registration.register(**reference) for _ in range(3)]
    shared = [await tell(registration, one, people_count=3) for one in people]
    own = [await tell(registration, one) for one in people]
    assert [answer.status_code for answer in shared] == [201, 200, 200], [answer.text for answer in shared]
    assert [answer.status_code for answer in own] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in (*shared, *own)}) == 4


async def test_a_need_that_has_ended_or_was_withdrawn_may_be_told_anew(registration):
    person = await registration.register()
    first = (await tell(registration, person)).json()["id"]
    await registration.post(f"/v1/returnees/{person['id']}/needs/{first}/withdraw")
    second = await tell(registration, person)
    assert (second.status_code, second.json()["told_again"]) == (201, False)
    at = datetime.now(UTC)
    told = {
        "returnee_id": person["id"],
        "case_code": person["case_code"],
        "need_id": second.json()["id"],
        "category": "shelter",
    }
    await registration.hear(NeedMet(**told, at=at))
    third = await tell(registration, person)
    assert third.status_code == 201
    await registration.hear(NeedReopened(**told, at=at - timedelta(hours=1)))
    assert (await tell(registration, person)).json()["id"] == third.json()["id"], "an older word changes nothing"
    await registration.hear(NeedReopened(**told, at=at + timedelta(seconds=1)))
    assert (await tell(registration, person)).json()["id"] == third.json()["id"]
    assert len(await needs_of(registration, person)) == 3


async def test_a_desk_lets_a_second_one_stand_and_nobody_else_does(registration):
    person = await registration.register()
    first = (await tell(registration, person, second_reason="another_place")).json()
    assert first["second_reason"] is None, "there was no other"
    scopes = RECEPTION.replace(" intake:decide", "")
    refused = await tell(registration, person, second_reason="another_place", scopes=scopes)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    second = await tell(registration, person, second_reason="another_place")
    assert (second.status_code, second.json()["second_reason"]) == (201, "another_place")
    assert second.json()["id"] != first["id"]
    assert (await tell(registration, person)).json()["id"] == first["id"]
    told = await reported(registration, person)
    assert [one["is_second"] for one in told] == [True, True, False], "also where only referral knows the other one"
    wrong = await tell(registration, person, second_reason="because")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/second_reason")


@pytest.mark.parametrize("reference", [{}, {"sender_reference": "gbv-1"}])
async def test_who_may_not_know_of_a_restricted_need_learns_nothing_by_telling_of_one(registration, reference):
    """Same status and shape whether there was one or not; and the same id only for a reference of one's own."""
    right = {"scopes": f"{RECEPTION} restricted:read", "client_id": "restricted-desk"}
    with_one, without = await registration.register(), await registration.register()
    assert (await tell(registration, with_one, category="gbv", **right)).status_code == 201
    answers = {}
    for person in (with_one, without):
        twice = [await tell(registration, person, category="gbv", **reference) for _ in range(2)]
        answers[person["id"]] = (
            [answer.status_code for answer in twice],
            [answer.json()["told_again"] for answer in twice],
            twice[0].json()["id"] == twice[1].json()["id"],
        )
    assert answers[with_one["id"]] == answers[without["id"]] == ([201, 201], [False, False], bool(reference))
    seen = await registration.get(f"/v1/returnees/{with_one['id']}/needs", **right)
    assert len(seen.json()["items"]) == 1


async def test_what_ends_while_it_is_told_again_is_told_as_new(registration):
    """Between the refusal by the index and the note of the repeat. Seen to be lost without another turn."""
    person = await registration.register(needs=[SHELTER])
    (need,) = await needs_of(registration, person)
    ending = NeedMet(
        returnee_id=person["id"],
        case_code=person["case_code"],
        need_id=need["id"],
        category="shelter",
        at=datetime.now(UTC),
    )

    async def end_and_tell():
        return await asyncio.gather(registration.hear(ending), *(tell(registration, person) for _ in range(8)))

    _, *answers = await end_and_tell()
    assert all(answer.status_code in {200, 201} for answer in answers)
    told = await reported(registration, person)
    assert len(told) == 9, "every telling is told of"
    assert len(await needs_of(registration, person)) <= 2
