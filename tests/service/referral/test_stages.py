"""The stages of the referral mechanism: needs carry theirs, queues and numbers go by them, flow charts choose them."""

from __future__ import annotations

import pytest
import pytest_asyncio

from libs.events.catalogue.registration import ReturneeChanged
from libs.events.people_codes import ClientKind
from services.referral.pack.mechanism import Mechanism
from tests.service.referral import making
from tests.service.referral.kinds import asked, served
from tests.service.referral.world import World
from tests.unit.referral.making_facts import a_policy

CATEGORIES = {
    "employment": {"stage": 6, "lead_desk": "jobs-desk"},
    "transport": {"stage": 5, "lead_desk": "bus-desk"},
    "legal": {"stage": 5, "lead_desk": "bus-desk"},
}
JOB, BUS, BED, COURT = ({"category": one} for one in ("employment", "transport", "shelter", "legal"))


@pytest_asyncio.fixture
async def world(new_world):
    """Six stages; the co-leads of the fifth have a desk; a non-national is not reintegrated."""
    told = a_policy(categories=CATEGORIES).mechanism.model_dump()
    for lead in told["stages"][4]["leads"]:
        lead |= {"co_leads": ["council"], "co_lead_desk": "council-desk"}
    told["flow_charts"][ClientKind.NON_NATIONAL] = [1, 2, 3, 4, 5]
    async with new_world(categories=CATEGORIES, mechanism=Mechanism.model_validate(told)) as one:
        yield one


def desk(world: World, *desks: str) -> dict[str, str]:
    scopes = "work-lists:read referrals:read needs:write referrals:write reviews:decide"
    return world.issuer.headers(scopes, client_id="somebody", desks=list(desks))


async def test_a_need_and_its_referral_carry_their_stage_for_staff_and_provider(world: World):
    carrier = await world.provider(category="transport")
    traveller = await world.person(BUS)
    await world.round()
    need, referral = await world.need_of(traveller), await world.referral_of(traveller)
    journey = await world.ask(f"returnees/{traveller}/journey")
    assert [one["stage"] for one in (*journey["needs"], *journey["referrals"])] == [5, 5]
    assert (await world.ask(f"needs/{need['need_id']}"))["stage"] == 5
    await world.step(f"offers/{referral['offer_id']}/accept", headers=world.partner(carrier))
    shown = await world.ask(f"referrals/{referral['referral_id']}", headers=world.partner(carrier))
    assert shown["stage"] == 5


async def test_the_mechanism_is_shown_with_its_leads_and_flow_charts(world: World):
    provider = await world.provider()
    shown = await world.ask("stages", headers=world.partner(provider))
    assert [one["stage"] for one in shown["stages"]] == [1, 2, 3, 4, 5, 6]
    assert shown["stages"][4]["categories"] == ["legal", "transport"]
    assert shown["stages"][4]["leads"] == [
        {"organization": "ministry", "desk": "bus-desk", "co_leads": ["council"], "co_lead_desk": "council-desk"}
    ]
    assert shown["flow_charts"]["non_national"] == [1, 2, 3, 4, 5]
    stranger = await world.client.get("/v1/stages", headers=world.issuer.headers("offers:read", client_id="x"))
    assert stranger.status_code == 403


@pytest.mark.parametrize("path", ["waiting", "escalations", "unmet", "mine", "due", "overdue", "halted"])
async def test_every_list_is_narrowed_to_a_stage(world: World, path: str):
    """Nobody can take these needs, so their lead desks own them; an answer is due for a fourth."""
    for need in (JOB, BUS, COURT, BED):
        await world.person(need)
    await world.provider(category="health")
    await world.person({"category": "health"})
    await world.round()
    headers = desk(world, "jobs-desk", "bus-desk", "lead")
    whole = (await world.ask(f"work-lists/{path}", headers=headers))["items"]
    narrow = [(await world.ask(f"work-lists/{path}", headers=headers, stage=stage))["items"] for stage in range(1, 7)]
    assert [[one["need_id"] for one in whole if one["stage"] == stage] for stage in range(1, 7)] == [
        [one["need_id"] for one in items] for items in narrow
    ]
    if path in {"waiting", "escalations", "unmet", "mine"}:
        assert {one["category"] for one in narrow[4]} == {"transport", "legal"}
    missing = await world.client.get(f"/v1/work-lists/{path}", params={"stage": 7}, headers=headers)
    assert missing.status_code == 422


async def test_leads_and_co_leads_see_the_queue_of_their_stage(world: World):
    """Seen to fail with the desks of leads alone, and without the categories in the filter."""
    await world.provider(category="legal")
    for need in (JOB, BUS, COURT):
        await world.person(need)
    await world.round()
    for who in ("bus-desk", "council-desk"):
        queues = (await world.ask("work-lists/stages", headers=desk(world, who)))["stages"]
        assert [one["stage"] for one in queues if one["mine"]] == [5]
        fifth, sixth = queues[4], queues[5]
        assert fifth["waiting"]["provider"]["count"] == 1
        assert (fifth["escalations"]["count"], fifth["unmet"]["count"]) == (1, 1)
        assert (sixth["escalations"]["count"], sixth["unmet"]["count"]) == (1, 1)
    partner = await world.client.get("/v1/work-lists/stages", headers=world.partner(await world.provider()))
    assert partner.status_code == 403


async def test_a_need_that_the_lead_leaves_alone_goes_to_the_co_leads_and_then_to_the_steward(world: World):
    """Seen to fail without `co_lead_desks` in the desk above."""
    traveller = await world.person(BUS)
    await world.round()
    owners = [(await world.need_of(traveller))["owner"]]
    for _ in range(2):
        await world.pass_time(seconds=3601)
        owners.append((await world.need_of(traveller))["owner"])
    assert owners == ["bus-desk", "council-desk", "steward"]
    assert await world.promises() == {}
    need = (await world.need_of(traveller))["need_id"]
    given = await world.step(f"needs/{need}/assign", {"owner": "council-desk"})
    assert given.json()["owner"] == "council-desk"


async def test_a_need_outside_the_flow_chart_is_reviewed_by_its_desk_first(world: World):
    """Seen to fail without the reason in `review_reason`."""
    employer = await world.provider(category="employment")
    returnee, stranger = await world.person(JOB), await world.person(JOB, client_kind=ClientKind.NON_NATIONAL)
    await world.round()
    assert await asked(world, returnee) == employer.service_id
    assert await asked(world, stranger) is None
    need = await world.need_of(stranger)
    assert (need["owner"], need["owner_reason"]) == ("jobs-desk", "review_required")
    (review,) = (await world.ask("reviews", status="pending"))["items"]
    assert review["reason"] == "outside_flow_chart"
    approved = await world.step(f"reviews/{review['id']}/approve", {}, headers=desk(world, "jobs-desk"))
    assert approved.status_code == 200, approved.text
    await world.round()
    assert await asked(world, stranger) == employer.service_id
    assert await world.promises() == {}


async def test_the_stages_of_the_chart_are_routed_as_for_everybody(world: World):
    carrier = await world.provider(category="transport")
    stranger = await world.person(BUS, client_kind=ClientKind.NON_NATIONAL)
    await world.round()
    assert await asked(world, stranger) == carrier.service_id


async def test_who_turns_out_to_be_of_another_kind_keeps_the_job(world: World):
    """A flow chart organises the work: it recalls nothing. Seen to fail with the reason among the interlocks."""
    employer = await world.provider(category="employment")
    returnee = await world.person(JOB)
    await world.round()
    changed = making.registered(returnee, client_kind=ClientKind.NON_NATIONAL).model_dump() | {"version": 2}
    await world.hear(ReturneeChanged.model_validate(changed))
    done = await served(world, employer, returnee, outcome="need_met")
    assert done.status_code == 200, done.text


async def test_numbers_are_added_up_by_stage_and_hidden_with_a_part(world: World):
    """Seen to fail with sums of the counts themselves, from which a reader could subtract."""
    for need, count in ((BUS, 4), (JOB, 5), (COURT, 2)):
        for _ in range(count):
            await world.person(need)
    found = {one["stage"]: one for one in (await world.ask("statistics"))["stages"]}
    assert [found[stage]["needs"] for stage in (1, 2, 5, 6)] == [0, 0, None, 5]
    await world.person(COURT)
    found = {one["stage"]: one for one in (await world.ask("statistics"))["stages"]}
    assert (found[5]["needs"], found[5]["met"]) == (7, 0)
