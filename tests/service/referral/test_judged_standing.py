"""The directory changes, or a date passes, after an offer was made: who is concerned is found and judged again."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from libs.events.catalogue.directory import Accreditation, Agreement
from libs.events.codes import AgeBand, PublicationStatus
from tests.service.referral import making
from tests.service.referral.test_judged_again import asked
from tests.service.referral.world import World

STANDINGS = {
    "suspended": {"status": PublicationStatus.SUSPENDED},
    "withdrawn": {"status": PublicationStatus.WITHDRAWN},
    "without an agreement": {"agreements": []},
    "without a licence": {"accreditations": []},
}


@pytest.mark.parametrize("standing", STANDINGS)
async def test_a_suspended_organisation_gets_nothing_new_and_its_people_go_to_the_lead_desk(
    world: World, standing: str
):
    one = await world.provider()
    pending = await asked(world, one)
    accepted = await asked(world, one, accepted=True)
    running = await asked(world, one, started=True)
    await world.hear(making.organization(one.organization_id, version=2, **STANDINGS[standing]))
    begun = await world.step(f"referrals/{accepted[1]['referral_id']}/start", headers=world.partner(one))
    assert (begun.status_code, begun.json()["code"]) == (409, "offer-halted")
    await world.round()
    kept = await world.offer_of(pending[0])
    assert (kept["status"], kept["reason"]) == ("recalled", "service_withdrawn")
    for returnee, _ in (accepted, running):
        need = await world.need_of(returnee)
        assert (need["owner"], need["owner_reason"]) == ("lead", "service_withdrawn")
    listed = await world.ask("work-lists/halted", organization_id=one.organization_id)
    assert {item["returnee_id"] for item in listed["items"]} == {str(accepted[0]), str(running[0])}
    assert (await world.ask("work-lists/counts", organization_id=one.organization_id))["halted"]["count"] == 2
    assert (await world.ask("work-lists/halted", organization_id=uuid4()))["items"] == []
    # What it tells of people is taken still, and nobody is held there by it.
    done = await world.step(
        f"referrals/{running[1]['referral_id']}/complete", {"outcome": "need_met"}, headers=world.partner(one)
    )
    assert done.status_code == 200, done.text
    assert (await world.referral_of(running[0]))["halted_since"] is None
    # Active again: nothing happens by itself to who was halted.
    await world.hear(making.organization(one.organization_id, version=3))
    await world.round()
    assert (await world.referral_of(accepted[0]))["halted_since"] is not None
    assert await world.promises() == {}


async def test_an_agreement_that_ends_by_its_date_halts_who_is_there(world: World):
    one = await world.provider()
    returnee, _ = await asked(world, one, accepted=True)
    last = (await world.database_now()).date()
    view = making.organization(
        one.organization_id,
        version=2,
        agreements=[Agreement(category="shelter", valid_until=last)],
        accreditations=[Accreditation(category="shelter", valid_until=date(2099, 1, 1))],
    )
    await world.hear(view)
    await world.round()
    assert (await world.referral_of(returnee))["halted_since"] is None, "its last day is a day"
    world.clock.passed += timedelta(days=2)
    await world.round()
    assert (await world.referral_of(returnee))["halted_for"] == ["no_agreement"]


async def test_a_service_that_loses_its_licence_for_children_is_judged_for_those_who_are_there(world: World):
    one = await world.provider(eligibility={"unaccompanied_children": True})
    returnee = await world.person({}, age_band=AgeBand.FROM_12_TO_17)
    grown = await world.person({})
    assert await world.round() == 2
    for each in (returnee, grown):
        offer = await world.offer_of(each)
        assert (await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(one))).status_code == 200
    await world.hear(making.service(one.service_id, one.organization_id, version=2))
    await world.round()
    assert (await world.referral_of(returnee))["halted_for"] == ["not_licensed_for_children"]
    assert (await world.need_of(returnee))["owner"] == "child-desk"
    assert (await world.referral_of(grown))["halted_since"] is None
    assert not await world.rows("SELECT 1 FROM journey_to_judge")
    world.clock.passed += timedelta(minutes=3)
    await world.round()
    assert not await world.rows("SELECT 1 FROM republished"), "looked at twice, then done"


async def test_a_consent_that_has_run_out_ends_what_rested_on_it(new_world):
    categories = {"training": {"basic": False}}
    async with new_world(categories=categories) as world:
        one = await world.provider(category="training")
        returnee = await world.person({"category": "training"})
        assert await world.round() == 1
        offer = await world.offer_of(returnee)
        await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(one))
        await world.rows("UPDATE journey SET consents = '{}'")
        await world.judge_consents()
        assert (await world.referral_of(returnee))["halted_for"] == ["no_consent"]
        assert (await world.need_of(returnee))["owner_reason"] == "consent_withdrawn"
