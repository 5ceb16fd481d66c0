"""A row of a list carries what a page shows of it, so that nobody asks for each row again."""

from __future__ import annotations

from libs.events.codes import AgeBand
from tests.service.referral.staying import staying
from tests.service.referral.test_searching import lost
from tests.service.referral.world import World

WHOSE = {"case_code", "category"}
WHAT = WHOSE | {"kind", "urgency", "owner"}


async def test_rows_of_lists_carry_their_case_code_deadline_and_provider(world: World):
    """Seen to fail with each of the columns taken out of its statement."""
    stays, shelter, _ = await staying(world)
    await lost(world, await world.provider(category="food"), category="food")
    await world.provider(category="health", places=0)
    queued = await world.person({"category": "health"})
    await world.person({}, age_band=AgeBand.UNKNOWN)
    await world.round()
    rows = {
        name: (await world.ask(name))["items"]
        for name in ("work-lists/waiting", "work-lists/owned", "work-lists/due?within=31536000", "reviews",
                     "waitlists", "stays", "work-lists/follow-up", "offers", "work-lists/mine")
    }  # fmt: skip
    (served,) = [one for one in rows["work-lists/waiting"] if one["returnee_id"] == str(stays)]
    assert served["provider_service_id"] == str(shelter.service_id)
    assert served["organization_id"] == str(shelter.organization_id)
    assert rows["work-lists/owned"][0].keys() >= WHAT | {"owner_due_at"}
    (review,) = rows["reviews"]
    assert (review["urgency"], review["kind"], review["owner"]) == ("urgent", None, "child-desk")
    assert review["due_at"] is not None
    (entry,) = rows["waitlists"]
    journey = await world.row("SELECT case_code FROM journey WHERE returnee_id = $1", queued)
    assert entry["case_code"] == journey["case_code"]
    assert entry["due_at"] is not None
    assert entry["owner"] is None
    for row in (*rows["stays"], *rows["work-lists/follow-up"], *rows["offers"]):
        assert row.keys() >= WHOSE


async def test_a_provider_sees_no_case_code_of_who_waits_for_its_service(world: World):
    clinic = await world.provider(category="health", places=0)
    await world.person({"category": "health"})
    await world.round()
    headers = world.issuer.headers("work-lists:read", organization_id=clinic.organization_id)
    (entry,) = (await world.ask("waitlists", headers=headers))["items"]
    assert {entry[name] for name in ("case_code", "owner", "due_at", "need_id", "returnee_id")} == {None}
