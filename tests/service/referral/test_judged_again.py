"""Facts change after an offer was made: it is judged again against hard rules and interlocks (DESIGN 5)."""

from uuid import uuid4

import pytest

from libs.events.codes import AgeBand, ProtectionFlag
from tests.service.referral import making
from tests.service.referral.world import World

CHANGES = {
    "do_not_share": lambda one: {"avoid_organizations": [one.organization_id]},
    "feared_place": lambda one: {"avoid_places": ["GT01"]},
    "not_licensed_for_children": lambda one: {"age_band": AgeBand.FROM_12_TO_17},
    "review_missing": lambda one: {"protection_flags": [ProtectionFlag.AGE_DISPUTED]},
    "access": lambda one: {"access_needs": ["wheelchair"]},
}


async def asked(world: World, one, *, accepted: bool = False, started: bool = False):
    """A returnee who is offered to this provider, or has been accepted there, or is served."""
    returnee = await world.person({})
    assert await world.round() == 1
    offer = await world.offer_of(returnee)
    if accepted or started:
        answer = await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(one))
        assert answer.status_code == 200, answer.text
    if started:
        answer = await world.step(f"referrals/{offer['referral_id']}/start", headers=world.partner(one))
        assert answer.status_code == 200, answer.text
    return returnee, offer


@pytest.mark.parametrize("code", CHANGES)
async def test_an_offer_that_may_not_be_any_more_is_recalled_when_the_profile_changes(world: World, code: str):
    one = await world.provider()
    returnee, offer = await asked(world, one)
    await world.hear(making.registered(returnee, version=2, **CHANGES[code](one)))
    kept = await world.offer_of(returnee)
    assert (kept["status"], kept["reason"]) == ("recalled", "facts_changed")
    assert (await world.pool(one))["held"] == 0
    (step,) = await world.rows("SELECT reason FROM step WHERE step = 'referral.judge'")
    assert code in step["reason"].split(",")
    late = await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(one))
    assert (late.status_code, late.json()["code"]) == (409, "offer-recalled")
    assert await world.promises() == {}
    await world.round()
    assert (await world.offer_of(returnee))["offer_id"] == offer["offer_id"], "nobody else may take it"
    assert (await world.need_of(returnee))["owner"] is not None
    assert await world.promises() == {}


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("code", CHANGES)
async def test_an_accepted_offer_that_may_not_be_any_more_goes_to_a_desk_at_once(
    world: World, code: str, started: bool
):
    one = await world.provider()
    returnee, offer = await asked(world, one, accepted=True, started=started)
    await world.hear(making.registered(returnee, version=2, **CHANGES[code](one)))
    referral, need = await world.referral_of(returnee), await world.need_of(returnee)
    assert referral["status"] == ("in_service" if started else "accepted"), "nobody is put out of a bed"
    assert referral["halted_since"] is not None
    assert code in referral["halted_for"]
    about_child = code in {"not_licensed_for_children", "review_missing"}
    assert (need["owner"], need["owner_reason"]) == ("child-desk" if about_child else "lead", "facts_changed")
    (told,) = await world.published("offer.halted.v1")
    assert (told["offer_id"], told["reason"]) == (str(offer["offer_id"]), "facts_changed")
    assert told["judged_on"]["profiles"] == [{"returnee_id": str(returnee), "version": 2}]
    if not started:
        begun = await world.step(f"referrals/{offer['referral_id']}/start", headers=world.partner(one))
        assert (begun.status_code, begun.json()["code"]) == (409, "offer-halted")
    await world.hear(making.registered(returnee, version=3, **CHANGES[code](one)))
    assert len(await world.published("offer.halted.v1")) == 1, "told once"
    assert await world.promises() == {}


async def test_a_change_that_breaks_no_rule_upholds_what_is_accepted_under_the_new_facts(world: World):
    one = await world.provider()
    returnee, offer = await asked(world, one, accepted=True)
    (accepted,) = await world.published("offer.accepted.v1")
    assert accepted["judged_on"] == {
        "profiles": [{"returnee_id": str(returnee), "version": 1}],
        "household_version": None,
    }
    await world.hear(making.registered(returnee, version=2, languages=["mam", "spa"]))
    (upheld,) = await world.published("offer.upheld.v1")
    assert (upheld["offer_id"], upheld["by_desk"]) == (str(offer["offer_id"]), False)
    assert upheld["judged_on"]["profiles"][0]["version"] == 2
    assert (await world.need_of(returnee))["owner"] is None


async def test_an_answer_judges_again_by_what_is_known_at_that_moment_and_the_recall_stays(world: World):
    """The directory's handler locks no journey: until the router has looked, only the answer itself can see it."""
    one = await world.provider()
    returnee, offer = await asked(world, one)
    await world.hear(making.service(one.service_id, one.organization_id, version=2, eligibility={"minimum_age": 60}))
    for step in ("acknowledge", "accept"):
        answer = await world.step(f"offers/{offer['offer_id']}/{step}", headers=world.partner(one))
        assert (answer.status_code, answer.json()["code"]) == (409, "offer-recalled")
    kept = await world.offer_of(returnee)
    assert (kept["status"], kept["reason"]) == ("recalled", "facts_changed")
    assert (await world.pool(one))["held"] == 0
    assert await world.promises() == {}


async def test_many_answers_judge_again_each_for_itself(world: World):
    one = await world.provider()
    free, other = (await asked(world, one))[1], (await asked(world, one))[1]
    await world.rows(
        "UPDATE journey SET profile = jsonb_set(profile, '{avoid_organizations}', to_jsonb(ARRAY[$2::text]))"
        " WHERE returnee_id = $1",
        other["returnee_id"],
        str(one.organization_id),
    )
    body = {"answers": [{"offer_id": str(each["offer_id"]), "answer": "accept"} for each in (other, free)]}
    headers = world.partner(one) | {"Idempotency-Key": str(uuid4())}
    told = (await world.step("offers/answers", body, headers=headers)).json()
    assert [result["status"] for result in told["results"]] == [409, 200]
    assert told["results"][0]["problem"]["code"] == "offer-recalled"
    assert (await world.offer_of(other["returnee_id"]))["status"] == "recalled"
    assert await world.promises() == {}


async def test_a_household_that_grows_after_the_offer_is_not_split(world: World):
    one = await world.provider()
    key, members = await world.family(2)
    assert await world.round() == 1
    newcomer = uuid4()
    await world.hear(making.registered(newcomer, household_id=key, age_band=AgeBand.FROM_5_TO_11))
    await world.hear(making.household(key, [*members, newcomer], version=2, stay_together=True))
    kept = await world.offer_of(members[0])
    assert (kept["status"], kept["reason"]) == ("recalled", "facts_changed")
    assert (await world.pool(one))["held"] == 0
    assert await world.promises() == {}


async def test_what_a_member_fears_counts_for_the_households_need(world: World):
    one = await world.provider()
    key, members = await world.family(3)
    assert await world.round() == 1
    offer = await world.offer_of(members[0])
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(one))
    changed = making.registered(
        members[2],
        version=2,
        household_id=key,
        age_band=AgeBand.FROM_5_TO_11,
        avoid_organizations=[one.organization_id],
    )
    await world.hear(changed)
    referral = await world.referral_of(members[0])
    assert referral["halted_for"] == ["do_not_share"]
    (told,) = await world.published("offer.halted.v1")
    assert {"returnee_id": str(members[2]), "version": 2} in told["judged_on"]["profiles"]


async def test_a_child_whose_household_leaves_it_alone_is_judged_as_unaccompanied(world: World):
    one = await world.provider()
    key, members = await world.family(2)
    await world.hear(making.need(members[1], category="food"))
    food = await world.provider(category="food")
    assert await world.round() == 2
    offer = await world.offer_of(members[1])
    assert (await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(food))).status_code == 200
    await world.hear(making.registered(members[1], version=2, age_band=AgeBand.FROM_5_TO_11))
    await world.hear(making.household(key, members[:1], version=2))
    assert (await world.referral_of(members[1]))["halted_for"] == ["not_licensed_for_children"]
    assert (await world.offer_of(members[0]))["provider_service_id"] == one.service_id


async def test_an_adult_bed_is_not_kept_for_who_turns_out_to_be_a_child(world: World):
    """With the household that it came with a child needs no licence; a bed kept for adults is none for it."""
    await world.provider(kind="adult_beds")
    key, members = uuid4(), [uuid4(), uuid4()]
    for member in members:
        await world.hear(making.registered(member, household_id=key), making.consent(member))
    await world.hear(making.household(key, members))
    await world.hear(making.need(members[0], household_id=key, people_count=2))
    assert await world.round() == 1
    await world.hear(making.registered(members[1], version=2, household_id=key, age_band=AgeBand.FROM_5_TO_11))
    assert (await world.offer_of(members[0]))["status"] == "recalled"


async def test_a_desk_lets_go_on_what_was_halted_unless_an_interlock_speaks_against_it(new_world):
    categories = {"shelter": {"distance_from": "destination"}}
    async with new_world(categories=categories) as world:
        one = await world.provider(catchment=["GT12"])
        returnee, offer = await asked(world, one, accepted=True)
        path = f"referrals/{offer['referral_id']}/uphold"
        early = await world.step(path, {"reason": "They want to stay there"})
        assert (early.status_code, early.json()["code"]) == (409, "step-not-allowed")
        await world.hear(making.registered(returnee, version=2, destination="GT13"))
        assert (await world.referral_of(returnee))["halted_for"] == ["catchment"]
        by_partner = await world.step(path, {"reason": "They want to stay there"}, headers=world.partner(one))
        assert by_partner.status_code == 403
        upheld = await world.step(path, {"reason": "They want to stay there"})
        assert (upheld.status_code, upheld.json()["halted_since"]) == (200, None)
        (told,) = await world.published("offer.upheld.v1")
        assert (told["by_desk"], told["judged_on"]["profiles"][0]["version"]) == (True, 2)
        assert (await world.need_of(returnee))["owner"] is None
        assert await world.promises() == {}
        await world.hear(making.registered(returnee, version=3, destination="GT13"))
        assert (await world.referral_of(returnee))["halted_since"] is None, "overruled once, it stays so"
        await world.hear(
            making.registered(returnee, version=4, destination="GT13", avoid_organizations=[one.organization_id])
        )
        refused = await world.step(path, {"reason": "Nobody else is there"})
        assert (refused.status_code, refused.json()["reasons"]) == (409, ["do_not_share"])
        moved = await world.step(f"referrals/{offer['referral_id']}/not-delivered", {"reason": "provider_unable"})
        assert moved.status_code == 200
        assert await world.promises() == {}
