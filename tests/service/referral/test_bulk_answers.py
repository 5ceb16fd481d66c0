"""A provider answers many offers in one call: each has a result of its own, and one refused spoils no other."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from libs.chassis.database import raw
from tests.service.referral.counting import statements_of
from tests.service.referral.world import Provider, World


async def answer(
    world: World, one: Provider, answers: list[dict[str, Any]], *, key: str | None = None, **options: Any
) -> httpx.Response:
    headers = world.partner(one, **options) | {"Idempotency-Key": key or str(uuid4())}
    said = [{**one, "offer_id": str(one["offer_id"])} for one in answers]
    return await world.client.post("/v1/offers/answers", json={"answers": said}, headers=headers)


async def test_a_provider_answers_100_offers_in_one_call_with_a_result_each(world: World):
    shelter = await world.provider(places=200)
    offers = await world.offers_to(shelter, 100)
    answers = [{"offer_id": one, "answer": "accept"} for one in offers[:60]]
    answers += [{"offer_id": one, "answer": "decline", "reason": "not_eligible"} for one in offers[60:90]]
    answers += [{"offer_id": one, "answer": "acknowledge"} for one in offers[90:]]
    done = await answer(world, shelter, answers)
    assert done.status_code == 200, done.text
    told = done.json()
    assert (told["taken_count"], told["refused_count"]) == (100, 0)
    assert [one["offer_id"] for one in told["results"]] == [str(one) for one in offers]
    statuses = [one["offer"]["status"] for one in told["results"]]
    assert statuses == ["accepted"] * 60 + ["declined"] * 30 + ["acknowledged"] * 10
    pool = await world.pool(shelter)
    assert (pool["held"], pool["taken"]) == (10, 60)
    assert len(await world.published("offer.accepted.v1")) == 60
    assert len(await world.published("offer.declined.v1")) == 30
    assert await world.promises() == {}


async def test_a_refused_answer_spoils_no_other_and_says_why(world: World):
    """Without the rehearsal in `offers.answering` the whole call is a 409 and nothing is answered."""
    shelter, other = await world.provider(places=9), await world.provider(places=9, place="GT13")
    offers = await world.offers_to(shelter, 4)
    await world.step(f"offers/{offers[0]}/accept", headers=world.partner(shelter))
    async with world.database.transaction() as session:
        await (await raw(session)).execute(
            "UPDATE offer SET organization_id = $1 WHERE offer_id = $2", other.organization_id, offers[1]
        )
    answers = [
        {"offer_id": offers[0], "answer": "decline", "reason": "full", "note": "came too late"},
        {"offer_id": offers[1], "answer": "accept"},
        {"offer_id": offers[2], "answer": "accept"},
        {"offer_id": uuid4(), "answer": "acknowledge"},
        {"offer_id": offers[3], "answer": "decline", "reason": "not_our_area"},
    ]
    told = (await answer(world, shelter, answers)).json()
    assert [one["status"] for one in told["results"]] == [409, 404, 200, 404, 200]
    assert told["results"][0]["problem"]["code"] == "step-not-allowed"
    assert told["results"][0]["problem"]["state"] == "accepted"
    assert told["results"][1]["problem"]["code"] == told["results"][3]["problem"]["code"] == "not-found"
    assert [one["offer"] is None for one in told["results"]] == [True, True, False, True, False]
    kept = await world.row("SELECT status, reason FROM offer WHERE offer_id = $1", offers[0])
    assert kept == {"status": "accepted", "reason": None}
    assert await world.rows("SELECT text FROM note") == []
    assert not (await world.pool(shelter))["closed"]
    assert (await world.row("SELECT status FROM offer WHERE offer_id = $1", offers[1]))["status"] == "pending"


async def test_two_offers_of_one_returnee_are_answered_in_one_call(world: World):
    both: dict[str, UUID] = {"organization_id": uuid4()}
    shelter = await world.provider(places=5, **both)
    await world.provider(places=5, category="health", service_type="clinic", **both)
    await world.person({}, {"category": "health"})
    await world.round()
    offers = [row["offer_id"] for row in await world.rows("SELECT offer_id FROM offer ORDER BY offer_id")]
    assert len(offers) == 2
    told = (await answer(world, shelter, [{"offer_id": one, "answer": "accept"} for one in offers])).json()
    assert told["taken_count"] == 2
    assert await world.promises() == {}


async def test_a_call_sent_again_is_told_the_same_and_does_nothing(world: World):
    shelter = await world.provider(places=9)
    offers = await world.offers_to(shelter, 2)
    answers = [{"offer_id": offers[0], "answer": "accept"}, {"offer_id": uuid4(), "answer": "accept"}]
    first = await answer(world, shelter, answers, key="one")
    steps = len(await world.rows("SELECT FROM step"))
    again = await answer(world, shelter, answers, key="one")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await world.rows("SELECT FROM step")) == steps
    other = await answer(world, shelter, [{"offer_id": offers[1], "answer": "accept"}], key="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda one, two: [one, two, one], "/answers/2/offer_id"),
        (lambda one, two: [one, {**two, "answer": "decline"}], "/answers/1/reason"),
        (lambda one, two: [one, {**two, "answer": "perhaps"}], "/answers/1"),
        (lambda one, two: [one, {**two, "reason": "full"}], "/answers/1/reason"),
        (lambda one, two: [one] * 101, "/answers"),
        (lambda one, two: [], "/answers"),
    ],
    ids=["twice", "no-reason", "no-such-answer", "reason-of-a-yes", "101", "none"],
)
async def test_a_call_that_is_not_understood_answers_nothing_and_names_the_field(world: World, change, pointer):
    """Twice: without `_require_each_once` the second answer is a 409 of its own, and the first has been taken."""
    shelter = await world.provider(places=9)
    offers = await world.offers_to(shelter, 2)
    one, two = ({"offer_id": offer_id, "answer": "accept"} for offer_id in offers)
    refused = await answer(world, shelter, change(one, two))
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")
    assert pointer in {error["pointer"] for error in refused.json()["errors"]}
    assert {row["status"] for row in await world.rows("SELECT status FROM offer")} == {"pending"}


async def test_a_call_without_a_key_is_refused(world: World):
    shelter = await world.provider()
    body = {"answers": [{"offer_id": str(uuid4()), "answer": "accept"}]}
    refused = await world.client.post("/v1/offers/answers", json=body, headers=world.partner(shelter))
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency-key-missing")


async def test_a_hundred_answers_cost_as_many_statements_as_two(world: World):
    shelter = await world.provider(places=200)
    offers = await world.offers_to(shelter, 102)
    counts = []
    for chosen in (offers[:2], offers[2:]):
        answers = [{"offer_id": one, "answer": "accept"} for one in chosen[: len(chosen) // 2]]
        answers += [
            {"offer_id": one, "answer": "decline", "reason": "not_our_area"} for one in chosen[len(chosen) // 2 :]
        ]
        with statements_of(world.database) as sent:
            assert (await answer(world, shelter, answers)).json()["refused_count"] == 0
        counts.append(len(sent))
    assert counts[0] == counts[1] > 5


async def test_what_a_call_came_to_is_forgotten_with_its_key(world: World):
    """Without `_FORGET` the rows stay for ever."""
    shelter = await world.provider(places=9)
    offers = await world.offers_to(shelter, 2)
    await answer(world, shelter, [{"offer_id": offers[0], "answer": "accept"}])
    async with world.database.transaction() as session:
        await (await raw(session)).execute("UPDATE bulk_answer SET kept_until = now() - interval '1 second'")
    await answer(world, shelter, [{"offer_id": offers[1], "answer": "accept"}])
    assert [row["offer_id"] for row in await world.rows("SELECT offer_id FROM bulk_answer")] == [offers[1]]
