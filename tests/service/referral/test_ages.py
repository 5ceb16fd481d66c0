"""A desk decides about an unsure age. Registration takes the decision into the profile, and routing follows it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.registration import ReturneeChanged
from libs.events.codes import AgeBand, ProtectionFlag
from libs.events.people_codes import AgeGroup
from tests.service.referral import making
from tests.service.referral.world import World

UNSURE = {"age_band": AgeBand.UNKNOWN, "age_group": AgeGroup.UNSURE}
FOR_CHILDREN = {"unaccompanied_children": True, "maximum_age": 17}
FOR_ADULTS = {"minimum_age": 18}
ADULT = {"group": "adult", "basis": "document"}


async def decide(world: World, review: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await world.step(f"reviews/{review['id']}/decide-age", body)
    assert answer.status_code == 200, answer.text
    decided: dict[str, Any] = answer.json()
    return decided


async def pending(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.ask("reviews", status="pending"))["items"]
    return found


async def follows(world: World, returnee: UUID, *, version: int = 2, **profile: Any) -> None:
    """Registration publishes the profile with the decision."""
    told = making.registered(returnee, version=version, **profile)
    await world.hear(ReturneeChanged.model_validate(told.model_dump()))


@pytest.mark.parametrize(("group", "kind"), [("child", "children"), ("adult", "adults")])
async def test_who_is_decided_to_be_a_child_or_an_adult_is_placed_there(world: World, group: str, kind: str):
    """Seen to fail when the approval of a desk left the age as it was: an adult was offered a bed among children."""
    at = {
        "children": await world.provider(kind="child_beds", eligibility=FOR_CHILDREN),
        "adults": await world.provider(kind="adult_beds", eligibility=FOR_ADULTS),
    }
    returnee = await world.person({}, **UNSURE)
    assert await world.round() == 0
    (review,) = await pending(world)
    decided = await decide(world, review, group=group, basis="assessment", note="Seen by two")
    assert (decided["status"], decided["decided_by"]) == ("approved", "desk")
    assert (decided["age_of"], decided["age_group"], decided["age_basis"]) == (str(returnee), group, "assessment")
    (told,) = await world.published("age.decided.v1")
    assert (told["returnee_id"], told["age_group"], told["basis"]) == (str(returnee), group, "assessment")
    assert told["desk"] == "child-desk"
    assert await world.round() == 0, "it waits for the profile"
    assert await pending(world) == [], "and nobody is asked again"
    await follows(world, returnee, age_band=AgeBand.UNKNOWN, age_group=group)
    assert await world.round() == 1
    assert (await world.offer_of(returnee))["provider_service_id"] == at[kind].service_id
    assert await world.promises() == {}


async def test_while_the_desk_is_unsure_nobody_is_placed_among_the_others(world: World):
    """Neither among children nor among adults: only where people of every age are taken."""
    await world.provider(kind="child_beds", eligibility={"unaccompanied_children": True})
    await world.provider(eligibility=FOR_CHILDREN)
    await world.provider(kind="adult_beds", eligibility={"unaccompanied_children": True})
    await world.provider(eligibility=FOR_ADULTS | {"unaccompanied_children": True})
    returnee = await world.person({}, **UNSURE)
    (review,) = await pending(world)
    await decide(world, review, group="unsure", basis="own_word")
    assert await world.round() == 0
    assert (await world.need_of(returnee))["owner_reason"] == "no_candidate"
    apart = await world.provider(kind="beds", eligibility={"unaccompanied_children": True})
    assert await world.round() == 1
    assert (await world.offer_of(returnee))["provider_service_id"] == apart.service_id
    assert await world.promises() == {}


async def test_one_decision_ends_the_reviews_of_all_needs_and_a_later_one_may_differ(world: World):
    await world.provider(kind="adult_beds", eligibility=FOR_ADULTS)
    await world.provider(category="food")
    returnee = await world.person({}, {"category": "food"}, **UNSURE)
    first, second = await pending(world)
    await decide(world, first, **ADULT)
    assert await pending(world) == []
    await follows(world, returnee, **UNSURE | {"age_group": AgeGroup.ADULT})
    assert await world.round() == 2
    again = await decide(world, second, group="child", basis="document")
    assert (again["age_group"], again["age_basis"], again["status"]) == ("child", "document", "approved")
    groups = [one["age_group"] for one in await world.published("age.decided.v1")]
    assert groups == ["adult", "child"]
    await follows(world, returnee, version=3, **UNSURE | {"age_group": AgeGroup.CHILD})
    assert (await world.offer_of(returnee))["status"] == "recalled"


async def test_a_birth_date_that_reception_learns_ends_the_review(world: World):
    """Without this a person whose age is known waits for a desk that has nothing to decide."""
    await world.provider()
    returnee = await world.person({}, **UNSURE)
    assert len(await pending(world)) == 1
    await follows(world, returnee, age_band=AgeBand.FROM_25_TO_34)
    assert await pending(world) == []
    assert await world.round() == 1
    assert await world.promises() == {}


async def test_a_member_of_the_household_is_decided_about_by_name(world: World):
    await world.provider()
    key, mother, son = uuid4(), uuid4(), uuid4()
    await world.hear(
        making.registered(mother, household_id=key),
        making.registered(son, household_id=key, **UNSURE),
        making.household(key, [mother, son]),
        *[making.consent(one) for one in (mother, son)],
        making.need(mother, household_id=key, people_count=2),
    )
    assert await world.round() == 0
    (review,) = await pending(world)
    stranger = await world.step(f"reviews/{review['id']}/decide-age", ADULT | {"returnee_id": str(uuid4())})
    assert stranger.status_code == 422
    (fault,) = stranger.json()["errors"]
    assert (fault["pointer"], fault["rule"]) == ("/returnee_id", "member-of-household")
    await decide(world, review, group="child", basis="document", returnee_id=str(son))
    (told,) = await world.published("age.decided.v1")
    assert told["returnee_id"] == str(son)
    await follows(world, son, household_id=key, age_band=AgeBand.UNKNOWN, age_group=AgeGroup.CHILD)
    assert await world.round() == 1


async def test_only_a_desk_for_ages_decides_and_an_age_is_not_just_approved(world: World):
    await world.person({}, protection_flags=[ProtectionFlag.AGE_DISPUTED])
    (review,) = await pending(world)
    approved = await world.step(f"reviews/{review['id']}/approve", {})
    assert (approved.status_code, approved.json()["code"]) == (409, "step-not-allowed")
    lead = world.issuer.headers("reviews:decide work-lists:read", client_id="desk")
    refused = await world.step(f"reviews/{review['id']}/decide-age", ADULT, headers=lead)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    odd = await world.step(f"reviews/{review['id']}/decide-age", {"group": "old", "basis": "assessment"})
    assert [(one["pointer"]) for one in odd.json()["errors"]] == ["/group"]


async def test_a_review_of_something_else_is_not_decided_so(new_world):
    async with new_world(categories={"shelter": {"review": True}}) as world:
        await world.person({})
        (review,) = await pending(world)
        answer = await world.step(f"reviews/{review['id']}/decide-age", ADULT)
        assert (answer.status_code, answer.json()["code"]) == (409, "step-not-allowed")
        assert await world.published("age.decided.v1") == []
