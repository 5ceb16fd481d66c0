"""A household's number counts where its sender gave it; a household that outgrows its size waits for a person."""

import asyncio
import itertools
from datetime import timedelta
from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ArrivalBatchLanded, ReturneeArrived
from libs.events.catalogue.referral import OfferAccepted
from tests.service.registration.conftest import LANDED_AT, a_consent, a_returnee, an_announcement

FAMILY = {"household_reference": "family-7", "household_size": 2}


async def claims(registration, **query):
    page = await registration.client.get(
        "/v1/household-claims", params={"limit": 200} | query, headers=registration.headers()
    )
    assert page.status_code == 200, page.text
    return page.json()["items"]


async def claim_of(registration, person, **query):
    (found,) = [claim for claim in await claims(registration, **query) if claim["returnee_id"] == person["id"]]
    return found


async def decide(registration, claim, decision):
    return await registration.post(f"/v1/household-claims/{claim['id']}/decide", {"decision": decision})


async def told_members(registration):
    """The newest state of each household that was told."""
    events = await registration.events("household.changed.v1")
    return {event["household_id"]: set(event["member_ids"]) for event in events}


async def test_two_families_of_two_buses_with_the_same_number_are_two_households(registration):
    monday, tuesday = [await registration.announce(0) for _ in range(2)]
    families = [
        [await registration.register(arrival_batch_id=batch["id"], **FAMILY) for _ in range(2)]
        for batch in (monday, tuesday)
    ]
    assert [len({person["household_id"] for person in family}) for family in families] == [1, 1]
    assert families[0][0]["household_id"] != families[1][0]["household_id"]
    assert sorted(map(len, (await told_members(registration)).values())) == [2, 2]
    assert not [claim for claim in await claims(registration) if claim["returnee_id"] in str(families)]


async def test_without_a_batch_a_number_counts_for_its_sender_and_the_day_of_arrival(registration):
    reference = f"family/{uuid4()}"
    first = await registration.register(household_reference=reference)
    same_day = await registration.register(household_reference=reference)
    day_before = await registration.register(
        household_reference=reference, arrived_at=(LANDED_AT - timedelta(days=1)).isoformat()
    )
    other = await registration.post(
        "/v1/returnees", a_returnee(household_reference=reference), client_id="another-desk"
    )
    assert first["household_id"] == same_day["household_id"]
    assert len({first["household_id"], day_before["household_id"], other.json()["household_id"]}) == 3


@pytest.mark.parametrize("order", list(itertools.permutations(("announced", "landed", "mother", "child"))))
async def test_the_number_finds_its_family_in_any_order_of_events(registration, order):
    source = f"urn:reception:{uuid4()}"
    named = {"batch_reference": "bus-1", **FAMILY}
    told = {
        "announced": ArrivalBatchAnnounced.model_validate(
            an_announcement(1, sender_reference="bus-1", mode="bus", reception_place="GT12")
        ),
        "landed": ArrivalBatchLanded(
            sender_reference="bus-1", mode="bus", reception_place="GT12", landed_at=LANDED_AT, people_count=2
        ),
        "mother": ReturneeArrived.model_validate(a_returnee(sender_reference="p-1", **named)),
        "child": ReturneeArrived.model_validate(a_returnee(sender_reference="p-2", **named)),
    }
    for name in order:
        await registration.hear(told[name], source=source)
    assert [len(members) for members in (await told_members(registration)).values()] == [2]


async def test_who_comes_by_event_and_who_comes_by_rest_with_one_bus_are_one_family(registration):
    source = f"urn:reception:{uuid4()}"
    mother = ReturneeArrived.model_validate(a_returnee(sender_reference="p-1", batch_reference="bus-1", **FAMILY))
    await registration.hear(mother, source=source)
    (batch,) = await registration.fetch("SELECT id FROM arrival_batch WHERE source = $1", source)
    await registration.register(arrival_batch_id=str(batch["id"]), **FAMILY)
    assert [len(members) for members in (await told_members(registration)).values()] == [2]


async def test_who_would_make_a_household_outgrow_its_size_waits_for_a_person_and_nobody_is_told_of_them(registration):
    batch = await registration.announce(0)
    mother, child, third = [
        await registration.register(
            arrival_batch_id=batch["id"],
            consents=[a_consent()],
            needs=[{"category": "shelter", "urgency": "emergency", "people_count": 2}],
            **FAMILY,
        )
        for _ in range(3)
    ]
    assert mother["household_id"] == child["household_id"]
    assert third["household_id"] is None
    assert set((await told_members(registration))[mother["household_id"]]) == {mother["id"], child["id"]}
    profiles = {event["returnee_id"]: event for event in await registration.events("returnee.registered.v1")}
    assert profiles[third["id"]]["household_id"] is None
    (need,) = [one for one in await registration.events("need.reported.v1") if one["returnee_id"] == third["id"]]
    assert (need["people_count"], need["household_id"], need["urgency"]) == (1, None, "emergency"), "helped meanwhile"
    claim = await claim_of(registration, third)
    assert (claim["reason"], claim["household_id"], claim["told_size"]) == ("size_exceeded", mother["household_id"], 2)
    assert set(claim["member_ids"]) == {mother["id"], child["id"]}


async def test_members_of_one_batch_of_events_are_judged_in_the_order_in_which_they_came(registration):
    source = f"urn:reception:{uuid4()}"
    people = [
        ReturneeArrived.model_validate(a_returnee(sender_reference=f"p-{n}", batch_reference="bus-2", **FAMILY))
        for n in range(5)
    ]
    await registration.hear_at_once(people, source=source)
    assert [len(members) for members in (await told_members(registration)).values()] == [2]
    rows = await registration.fetch(
        "SELECT reason FROM household_claim JOIN returnee r ON r.id = returnee_id WHERE r.source = $1", source
    )
    assert [row["reason"] for row in rows] == ["size_exceeded"] * 3


async def test_who_tells_another_size_than_the_others_waits_for_a_person(registration):
    batch = await registration.announce(0)
    mother = await registration.register(arrival_batch_id=batch["id"], **FAMILY)
    other = await registration.register(arrival_batch_id=batch["id"], **FAMILY | {"household_size": 4})
    claim = await claim_of(registration, other)
    assert (claim["reason"], claim["told_size"], claim["household_told_size"]) == ("size_differs", 4, 2)
    assert set(claim["member_ids"]) == {mother["id"]}


async def test_people_who_come_at_the_same_time_do_not_fill_a_household_beyond_its_size(registration):
    batch = await registration.announce(0)
    answers = await asyncio.gather(
        *(registration.post("/v1/returnees", a_returnee(arrival_batch_id=batch["id"], **FAMILY)) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    members = [answer.json() for answer in answers if answer.json()["household_id"] is not None]
    assert len(members) == 2
    assert [len(one) for one in (await told_members(registration)).values()] == [2]


async def in_doubt(registration):
    batch = await registration.announce(0)
    people = [
        await registration.register(arrival_batch_id=batch["id"], consents=[a_consent()], **FAMILY) for _ in range(3)
    ]
    return [*people, await claim_of(registration, people[2])]


async def test_kept_together_they_are_told_as_one_household_and_the_claim_is_closed(registration):
    mother, child, third, claim = await in_doubt(registration)
    decided = await decide(registration, claim, "keep_together")
    assert (decided.status_code, decided.json()["decision"]) == (200, "keep_together"), decided.text
    everybody = {mother["id"], child["id"], third["id"]}
    assert set((await told_members(registration))[mother["household_id"]]) == everybody
    changed = {
        event["returnee_id"]: event["household_id"] for event in await registration.events("returnee.changed.v1")
    }
    assert changed == {third["id"]: mother["household_id"]}
    again = await decide(registration, claim, "separate")
    assert (again.status_code, again.json()["code"]) == (409, "household-claim-decided")
    assert (await claim_of(registration, third, open="false"))["id"] == claim["id"]


async def test_separated_nobody_is_told_anything_and_the_desk_may_put_them_into_their_own_household(registration):
    mother, _, third, claim = await in_doubt(registration)
    before = await told_members(registration)
    assert (await decide(registration, claim, "separate")).json()["decision"] == "separate"
    assert await told_members(registration) == before
    fourth = await registration.register()
    body = {"reference_returnee_id": third["id"], "member_ids": [third["id"], fourth["id"]], "expected_size": 2}
    assert (await registration.post("/v1/households", body)).status_code == 201
    assert third["id"] not in (await told_members(registration))[mother["household_id"]]


async def test_putting_somebody_into_a_household_by_hand_decides_their_claim(registration):
    mother, child, third, claim = await in_doubt(registration)
    etag = (await registration.get(f"/v1/households/{mother['household_id']}")).headers["ETag"]
    members = {"member_ids": [mother["id"], child["id"], third["id"]], "expected_size": 3}
    corrected = await registration.patch(f"/v1/households/{mother['household_id']}", members, etag=etag)
    assert corrected.status_code == 200, corrected.text
    assert (await claim_of(registration, third, open="false"))["decision"] == "keep_together"
    assert (await decide(registration, claim, "separate")).status_code == 409


async def test_a_claim_is_nobodys_of_another_organisation_and_ends_with_an_erasure(registration):
    _, _, third, claim = await in_doubt(registration)
    foreign = registration.headers(organization_id=uuid4())
    await registration.fetch("UPDATE returnee SET organization_id = $1 WHERE id = $2", uuid4(), third["id"])
    path = f"/v1/household-claims/{claim['id']}/decide"
    answer = await registration.client.post(path, json={"decision": "separate"}, headers=foreign)
    assert answer.status_code == 404
    await registration.fetch("UPDATE returnee SET organization_id = NULL WHERE id = $1", third["id"])
    await registration.post(f"/v1/returnees/{third['id']}/erasure")
    assert not [one for one in await claims(registration) if one["id"] == claim["id"]]


async def test_while_a_household_is_in_doubt_a_packet_names_none_of_its_other_members(registration):
    mother, _, _, claim = await in_doubt(registration)
    organization, offer_id = uuid4(), uuid4()
    await registration.hear(
        OfferAccepted(
            returnee_id=mother["id"],
            offer_id=offer_id,
            referral_id=uuid4(),
            need_id=uuid4(),
            organization_id=organization,
            provider_service_id=uuid4(),
            category="shelter",
            service_type="temporary_shelter",
            people_count=2,
            at=LANDED_AT,
            case_code=mother["case_code"],
        )
    )
    packet = (await registration.get(f"/v1/packets/{offer_id}", organization_id=organization)).json()
    assert (packet["household_members"], packet["members_withheld_count"]) == (None, 1)
    await decide(registration, claim, "separate")
    packet = (await registration.get(f"/v1/packets/{offer_id}", organization_id=organization)).json()
    assert (len(packet["household_members"]), packet["members_withheld_count"]) == (1, 0)
