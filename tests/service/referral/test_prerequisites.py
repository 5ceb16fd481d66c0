"""Needs that wait on other needs: a document before a licence, a job, a bank account."""

import asyncio
from uuid import uuid4

import pytest

from libs.events.codes import NeedCategory
from tests.service.referral import making
from tests.service.referral.world import World

CHAIN = ("documents", "training", "employment", "legal")


async def wait_for(world: World, need_id, other, *, headers=None):
    path = f"/v1/needs/{need_id}/prerequisite"
    return await world.client.put(path, json={"need_id": str(other)}, headers=headers or world.staff())


async def forget(world: World, need_id):
    return await world.client.delete(f"/v1/needs/{need_id}/prerequisite", headers=world.staff())


async def person(world: World, *categories: NeedCategory, **more):
    """A returnee with these needs; their ids in this order."""
    ids = [uuid4() for _ in categories]
    needs = [{"need_id": one, "category": category, **more} for one, category in zip(ids, categories, strict=True)]
    return await world.person(*needs), ids


async def referral_of(world: World, need_id):
    return await world.row(
        "SELECT * FROM referral WHERE need_id = $1 AND status NOT IN ('cancelled', 'completed', 'not_delivered')",
        need_id,
    )


async def meet(world: World, need_id):
    referral = await referral_of(world, need_id)
    answer = await world.step(f"referrals/{referral['referral_id']}/cancel", {"reason": "met_elsewhere"})
    assert answer.status_code == 200


async def test_met_starts_all_that_wait_along_the_chain(world: World):
    """Several at once, and each in its turn: without the loop in `need_steps.meet` the second stays blocked."""
    returnee, (card, licence, job, bank) = await person(world, *CHAIN)
    for waiting, other in ((licence, card), (job, card), (bank, job)):
        answer = await wait_for(world, waiting, other)
        assert (answer.status_code, answer.json()["after_need_id"]) == (200, str(other))
    states = [(await referral_of(world, one))["status"] for one in (card, licence, job, bank)]
    assert states == ["seeking", "blocked", "blocked", "blocked"]
    assert await world.promises() == {}
    await meet(world, card)
    states = [(await referral_of(world, one))["status"] for one in (licence, job, bank)]
    assert states == ["seeking", "seeking", "blocked"]
    await meet(world, job)
    assert (await referral_of(world, bank))["status"] == "seeking"
    assert await world.promises() == {}
    assert len(await world.rows("SELECT 1 FROM need WHERE returnee_id = $1", returnee)) == 4


async def test_ended_unmet_a_desk_decides_and_may_let_the_need_go_on(world: World):
    _, (card, licence) = await person(world, *CHAIN[:2])
    await wait_for(world, licence, card)
    await world.step(f"needs/{card}/refuse")
    need = await world.row("SELECT * FROM need WHERE need_id = $1", licence)
    assert (need["owner"], need["owner_reason"]) == ("lead", "prerequisite_unmet")
    assert await world.promises() == {}
    assert (await forget(world, licence)).json()["after_need_id"] is None
    need = await world.row("SELECT * FROM need WHERE need_id = $1", licence)
    assert need["owner"] is None
    assert (await referral_of(world, licence))["status"] == "seeking"
    assert (await forget(world, licence)).status_code == 200
    assert await world.promises() == {}


@pytest.mark.parametrize("length", [2, 3, 4])
async def test_the_graph_has_no_circles(world: World, length: int):
    """Without `closes_circle` the last edge is a 200 and nobody answers for any of the needs, for ever."""
    _, ids = await person(world, *CHAIN[:length])
    for waiting, other in zip(ids[1:], ids[:-1], strict=True):
        assert (await wait_for(world, waiting, other)).status_code == 200
    answer = await wait_for(world, ids[0], ids[-1])
    assert (answer.status_code, answer.json()["code"]) == (409, "prerequisite-cycle")
    assert (await world.row("SELECT after_need_id FROM need WHERE need_id = $1", ids[0]))["after_need_id"] is None
    assert await world.promises() == {}


async def test_two_edges_that_together_close_a_circle_never_both_come_in(world: World):
    """At the same moment, over HTTP, many times; without the journey's lock both are a 200 now and then."""
    pairs = [(await person(world, *CHAIN[:2]))[1] for _ in range(12)]
    for one, other in pairs:
        answers = await asyncio.gather(wait_for(world, one, other), wait_for(world, other, one))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
    circles = await world.rows(
        "SELECT 1 FROM need JOIN need AS other ON other.need_id = need.after_need_id"
        " WHERE other.after_need_id = need.need_id"
    )
    assert circles == []
    assert await world.promises() == {}


async def test_only_another_need_of_the_same_person_can_come_first(world: World):
    _, (mine,) = await person(world, "training")
    _, (theirs,) = await person(world, "documents")
    for other in (mine, theirs, uuid4()):
        answer = await wait_for(world, mine, other)
        error = answer.json()["errors"][0]
        assert (answer.status_code, error["pointer"], error["rule"]) == (
            422,
            "/need_id",
            "another-need-of-same-person",
        )
    assert (await wait_for(world, uuid4(), mine)).status_code == 404


async def test_a_restricted_need_is_no_prerequisite_for_those_who_may_not_know_of_it(world: World):
    """With the look at `rights` taken out the answer would say that the need exists."""
    _, (mine, hidden) = await person(world, "training", "gbv")
    assert (await wait_for(world, mine, hidden)).status_code == 422
    assert (await wait_for(world, mine, hidden, headers=world.staff(restricted=True))).status_code == 200


async def test_a_need_that_somebody_was_asked_for_cannot_begin_to_wait(world: World):
    await world.provider(category="training", service_type="course")
    _, (card, training) = await person(world, *CHAIN[:2])
    await world.round()
    answer = await wait_for(world, training, card)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["state"]) == (409, "step-not-allowed", "offered")


async def test_what_has_ended_unmet_or_is_met_holds_nobody_up(world: World):
    _, (card, licence, job) = await person(world, *CHAIN[:3])
    await world.step(f"needs/{card}/refuse")
    answer = await wait_for(world, licence, card)
    assert (answer.status_code, answer.json()["subject"]) == (409, "prerequisite")
    await meet(world, job)
    assert (await wait_for(world, licence, job)).status_code == 200
    assert (await referral_of(world, licence))["status"] == "seeking"
    assert (await wait_for(world, job, licence)).status_code == 409


@pytest.mark.parametrize("together", [True, False])
async def test_a_circle_told_at_intake_is_cut_and_a_desk_decides(world: World, together: bool):
    """In one batch or one by one; its event is not parked. Without the cut all three wait on each other unowned."""
    returnee, ids = uuid4(), [uuid4() for _ in range(3)]
    needs = [
        making.need(returnee, need_id=ids[at], category=CHAIN[at], after_need_id=ids[(at + 1) % 3]) for at in range(3)
    ]
    await world.hear(making.registered(returnee), making.consent(returnee))
    if together:
        await world.hear_together(*needs)
    else:
        for one in needs:
            await world.hear(one)
    last = await world.row("SELECT * FROM need WHERE need_id = $1", ids[2])
    assert (last["after_need_id"], last["owner"], last["owner_reason"]) == (None, "lead", "prerequisite_unmet")
    assert (await referral_of(world, ids[2]))["status"] == "seeking"
    assert [(await referral_of(world, one))["status"] for one in ids[:2]] == ["blocked", "blocked"]
    assert await world.promises() == {}


async def test_a_document_that_waits_on_a_need_is_not_what_that_need_waits_on(world: World):
    """The router blocks what asks for a document on the document: without its look at the graph both wait for ever."""
    await world.provider(
        category="training", service_type="course", eligibility={"documents_required": ["identity_card"]}
    )
    _, (card, training) = await person(world, *CHAIN[:2])
    await wait_for(world, card, training)
    await world.round()
    assert (await referral_of(world, training))["status"] == "seeking"
    need = await world.row("SELECT * FROM need WHERE need_id = $1", training)
    assert need["owner"] == "lead"
    assert await world.promises() == {}


async def test_a_reopened_prerequisite_is_waited_on_again(world: World):
    _, (card, licence) = await person(world, *CHAIN[:2])
    await wait_for(world, licence, card)
    await world.step(f"needs/{card}/close", {"reason": "not_a_need"})
    await world.step(f"needs/{card}/reopen")
    await meet(world, card)
    assert (await referral_of(world, licence))["status"] == "seeking"
    assert (await world.row("SELECT owner FROM need WHERE need_id = $1", licence))["owner"] is None
    assert await world.promises() == {}


async def recorded(world: World) -> list[str]:
    rows = await world.rows("SELECT step FROM step WHERE step LIKE 'need.%_prerequisite' ORDER BY step_id")
    return [row["step"] for row in rows]


async def test_told_again_nothing_happens_again(world: World):
    """Without either early return in `prerequisite_steps` the record says twice what was done once."""
    _, (card, licence) = await person(world, *CHAIN[:2])
    for _ in range(2):
        assert (await wait_for(world, licence, card)).status_code == 200
    for _ in range(2):
        assert (await forget(world, licence)).status_code == 200
    assert await recorded(world) == ["need.set_prerequisite", "need.remove_prerequisite"]
    assert await world.promises() == {}


async def test_who_was_asked_or_has_ended_is_refused_by_the_step_s_own_name(world: World):
    """Without `_CAN_WAIT` it is a 200 where the other is met; without the state in `remove_prerequisite` it changes."""
    await world.provider()
    _, (card, bed) = await person(world, "documents", "shelter")
    await meet(world, card)
    assert await world.round() == 1
    answer = await wait_for(world, bed, card)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["step"]) == (409, "step-not-allowed", "set_prerequisite")
    assert (problem["subject"], problem["state"]) == ("referral", "offered")
    _, (card, licence) = await person(world, *CHAIN[:2])
    await wait_for(world, licence, card)
    await world.step(f"needs/{licence}/refuse")
    answer = await forget(world, licence)
    assert (answer.status_code, answer.json()["step"]) == (409, "remove_prerequisite")
    assert await recorded(world) == ["need.set_prerequisite"]


async def blocked_by_router(world: World):
    """A training that asks for a document, which the router lets wait on the person's need for one; and a job."""
    await world.provider(
        category="training", service_type="course", eligibility={"documents_required": ["identity_card"]}
    )
    _, ids = await person(world, *CHAIN[:3])
    await world.round()
    assert (await referral_of(world, ids[1]))["blocked_by"] == ids[0]
    return ids


async def test_what_the_router_found_is_an_edge_of_the_graph_too(world: World):
    """Without the second loop of `waits_of` both wait on each other, and nobody answers for either."""
    card, training, _ = await blocked_by_router(world)
    answer = await wait_for(world, card, training)
    assert (answer.status_code, answer.json()["code"]) == (409, "prerequisite-cycle")
    assert await world.promises() == {}


async def test_what_was_told_and_is_taken_back_leaves_what_the_router_found(world: World):
    """Without `blocked_by == before` the training would seek, and ask offices that want a document."""
    card, training, job = await blocked_by_router(world)
    await meet(world, job)
    await wait_for(world, training, job)
    assert (await referral_of(world, training))["status"] == "seeking", "a need that is met holds nobody up"
    await world.round()
    assert (await referral_of(world, training))["blocked_by"] == card
    assert (await forget(world, training)).status_code == 200
    assert (await referral_of(world, training))["status"] == "blocked"


async def test_who_is_told_to_wait_on_something_else_waits_on_that(world: World):
    """Without the change of `blocked_by` in `_wait` the first one still lets the need go on."""
    _, (card, licence, job) = await person(world, *CHAIN[:3])
    await wait_for(world, licence, card)
    await wait_for(world, licence, job)
    await meet(world, card)
    assert (await referral_of(world, licence))["status"] == "blocked"
    await meet(world, job)
    assert (await referral_of(world, licence))["status"] == "seeking"
    assert await world.promises() == {}
