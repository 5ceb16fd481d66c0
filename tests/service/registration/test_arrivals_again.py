"""The same arrival told again: a repeat changes nothing, more is taken up once, and nobody becomes somebody else."""

import asyncio
import itertools
from datetime import timedelta
from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from services.registration.errors import ArrivalReferenceReused
from tests.service.registration.conftest import LANDED_AT, RECEPTION, a_consent, a_returnee

CONTACT = {"channel": "sms", "address": "+50255551234"}
ANA = {"given_names": "Ana", "family_names": "Paz", "birth_date": "1990-05-17"}
DESK = f"{RECEPTION} restricted:read"


def reference():
    return f"desk/{uuid4()}"


async def tell(registration, **told):
    return await registration.post("/v1/returnees", a_returnee(**told))


async def hear(registration, source, **told):
    await registration.hear_at_once([ReturneeArrived.model_validate(a_returnee(**told))], source=source)


async def parts(registration, returnee_id):
    page = await registration.get(f"/v1/doubtful-parts?returnee_id={returnee_id}", scopes=DESK)
    return {part["pointer"]: part["rule"] for part in page.json()["items"]}


async def told(registration, returnee_id):
    """Types of events of one person, and what they tell, in short."""
    events = [one for one in await registration.events() if one.get("returnee_id") == str(returnee_id)]
    return [one["type"].removesuffix(".v1") for one in events]


@pytest.mark.parametrize(
    "other",
    [
        {"identity": ANA | {"given_names": "Eva"}},
        {"identity": ANA | {"family_names": "Paz Xol"}},
        {"identity": ANA | {"birth_date": "1991-05-17"}},
        {"arrived_at": (LANDED_AT + timedelta(days=30)).isoformat()},
    ],
)
async def test_another_person_under_a_used_reference_is_refused_and_nobody_is_named(registration, other):
    name = reference()
    first = await registration.register(sender_reference=name, identity=ANA)
    before = await registration.events()
    answer = await tell(
        registration, **{"sender_reference": name, "identity": ANA, "needs": [{"category": "food"}]} | other
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "arrival-reference-reused"), answer.text
    for secret in (first["case_code"], first["id"], "Ana", "Eva", "Paz", "1990"):
        assert secret not in answer.text
    assert await registration.events() == before


async def test_another_person_under_a_used_reference_has_a_reason_to_be_parked(registration):
    source = f"urn:reception:{uuid4()}"
    await hear(registration, source, sender_reference="p-1", identity=ANA)
    with pytest.raises(ArrivalReferenceReused) as refused:
        await hear(registration, source, sender_reference="p-1", identity=ANA | {"given_names": "Eva"})
    assert refused.value.parked_as == "arrival-reference-reused"
    two = [
        ReturneeArrived.model_validate(a_returnee(sender_reference="p-2", identity=ANA | {"given_names": name}))
        for name in ("Ana", "Eva")
    ]
    with pytest.raises(ArrivalReferenceReused):
        await registration.hear_at_once(two, source=source)


async def test_capitals_spaces_and_another_encoding_of_accents_are_the_same_name(registration):
    name = reference()
    first = await registration.register(
        sender_reference=name, identity={"given_names": "José", "family_names": "Muñoz Xol"}
    )
    again = await registration.register(
        sender_reference=name, identity={"given_names": "JOSÉ", "family_names": "muñoz  xol"}
    )
    assert again["id"] == first["id"]


MORE = {
    "needs": [{"category": "food", "urgency": "emergency"}, {"category": "shelter", "sender_reference": "n-1"}],
    "safe_contact": CONTACT,
    "household_size": 2,
}


@pytest.mark.parametrize("way", ["rest", "event"])
@pytest.mark.parametrize("order", list(itertools.permutations(("less", "more"))))
async def test_more_facts_of_the_same_person_are_taken_up_once_in_any_order(registration, way, order):
    name, source, consent = reference(), f"urn:reception:{uuid4()}", a_consent()
    bodies = {
        "less": {"sender_reference": name, "needs": MORE["needs"][1:]},
        "more": MORE | {"sender_reference": name, "consents": [consent], "household_reference": name},
    }
    for body in (*order, *order, *order):
        if way == "rest":
            answer = await tell(registration, **bodies[body])
            assert answer.status_code == 201, answer.text
        else:
            await hear(registration, source, **bodies[body])
    (person,) = {event["returnee_id"] for event in await registration.events("returnee.registered.v1")}
    needs = await registration.events("need.reported.v1")
    assert sorted((one["category"], one["urgency"]) for one in needs) == [("food", "emergency"), ("shelter", "normal")]
    grants = [event["grants"] for event in await registration.events("consent.changed.v1")]
    assert [len(one) for one in grants] == [1]
    assert len(await registration.events("safe-contact.changed.v1")) == 1
    (household,) = await registration.events("household.changed.v1")
    assert household["member_ids"] == [person]
    assert await parts(registration, person) == {}


async def test_two_tellings_in_one_batch_of_events_are_one_person_with_the_facts_of_both(registration):
    source = f"urn:reception:{uuid4()}"
    less = a_returnee(sender_reference="p-1")
    more = a_returnee(sender_reference="p-1", needs=[{"category": "shelter", "urgency": "emergency"}])
    await registration.hear_at_once([ReturneeArrived.model_validate(body) for body in (less, more)], source=source)
    assert len(await registration.events("returnee.registered.v1")) == 1
    assert [event["category"] for event in await registration.events("need.reported.v1")] == ["shelter"]


async def test_twins_that_tell_more_are_taken_up_once(registration):
    name = reference()
    await registration.register(sender_reference=name)
    body = {"sender_reference": name, "needs": [{"category": "shelter"}], "consents": [a_consent()]}
    answers = await asyncio.gather(*(tell(registration, **body) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len(await registration.events("need.reported.v1")) == 1
    assert [len(one["grants"]) for one in await registration.events("consent.changed.v1")] == [1]


async def test_a_consent_that_was_taken_back_is_not_given_again_by_a_repeat_with_more_needs(registration):
    name, consent = reference(), a_consent()
    person = await registration.register(sender_reference=name, consents=[consent])
    (given,) = (await registration.get(f"/v1/returnees/{person['id']}/consents")).json()
    await registration.post(f"/v1/returnees/{person['id']}/consents/{given['id']}/withdraw")
    await registration.register(sender_reference=name, consents=[consent], needs=[{"category": "food"}])
    assert (await registration.events("consent.changed.v1"))[-1]["grants"] == []


async def test_what_contradicts_the_first_telling_is_refused_by_rest_with_its_places(registration):
    name = reference()
    food = {"category": "food", "urgency": "urgent"}
    await registration.register(sender_reference=name, safe_contact=CONTACT, needs=[food])
    answer = await tell(
        registration,
        sender_reference=name,
        profile={"nationality": "HN", "identity_document": "lost_on_route", "destination": "GT13"},
        safe_contact=CONTACT | {"address": "+50255554321"},
        needs=[{"category": "food"}, {"category": "shelter"}],
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "arrival-told-differently"), answer.text
    assert set(answer.json()["differing"]) == {
        "/profile/nationality",
        "/profile/destination",
        "/safe_contact",
        "/needs/0",
    }
    assert len(await registration.events("need.reported.v1")) == 1, "nothing of it was stored"


async def test_what_contradicts_the_first_telling_is_set_aside_by_event_and_the_rest_is_taken_up(registration):
    source = f"urn:reception:{uuid4()}"
    first = {"sender_reference": "p-1", "needs": [{"category": "food"}]}
    await hear(registration, source, **first)
    second = first | {
        "profile": {"nationality": "HN", "identity_document": "lost_on_route"},
        "needs": [{"category": "food"}, {"category": "shelter", "urgency": "emergency"}],
    }
    for body in (second, second, first):
        await hear(registration, source, **body)
    (row,) = await registration.fetch("SELECT id, nationality FROM returnee WHERE source = $1", source)
    assert row["nationality"] == "GT"
    assert await parts(registration, row["id"]) == {"/profile/nationality": "told-differently"}
    assert [event["category"] for event in await registration.events("need.reported.v1")] == ["food", "shelter"]


async def test_what_a_desk_has_corrected_may_be_told_as_it_stands_and_as_it_was(registration):
    name = reference()
    person = await registration.register(sender_reference=name, identity=ANA)
    corrected = {"identity": {"given_names": "Ana María"}, "profile": {"destination": "GT13"}}
    await registration.patch(f"/v1/returnees/{person['id']}", corrected, etag='"1"')
    before = await registration.register(sender_reference=name, identity=ANA)
    after = await registration.register(
        sender_reference=name,
        identity=ANA | {"given_names": "Ana María"},
        profile={"nationality": "GT", "identity_document": "lost_on_route", "destination": "GT13"},
    )
    assert before["id"] == after["id"] == person["id"]
    assert after["profile"]["destination"] == "GT13"


async def test_a_new_part_that_breaks_a_rule_is_named_with_its_place_and_nothing_is_stored(registration):
    name, sound = reference(), a_consent()
    await registration.register(sender_reference=name, consents=[sound])
    answer = await tell(
        registration,
        sender_reference=name,
        needs=[{"category": "food"}],
        consents=[sound, a_consent(expires_at="2020-01-01T00:00:00Z", given_at="2019-01-01T00:00:00Z")],
    )
    assert answer.status_code == 422, answer.text
    assert {error["pointer"].rpartition("/")[0] for error in answer.json()["errors"]} == {"/consents/1"}
    assert await registration.events("need.reported.v1") == []


async def test_a_repeat_of_somebody_registered_before_facts_were_kept_is_compared_by_name(registration):
    name = reference()
    person = await registration.register(sender_reference=name, identity=ANA)
    await registration.fetch("DELETE FROM arrival_told WHERE returnee_id = $1", person["id"])
    other = await tell(registration, sender_reference=name, identity=ANA | {"given_names": "Eva"})
    assert other.status_code == 409
    assert (await registration.register(sender_reference=name, identity=ANA))["id"] == person["id"]


async def test_an_erasure_leaves_no_hash_of_what_was_told(registration):
    person = await registration.register(sender_reference=reference())
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    assert await registration.fetch("SELECT 1 FROM arrival_told WHERE returnee_id = $1", person["id"]) == []
