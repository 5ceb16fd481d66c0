"""Whoever looks at a person's needs, referrals, offers or stay is recorded: who, when, which, what, and why."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi.routing import APIRoute

from libs.chassis.database import raw
from libs.chassis.sealed_log import seal_once
from libs.chassis.sealed_log_check import check
from libs.chassis.tenancy import Tenant
from libs.events.catalogue.registration import ReturneeErased
from services.referral.app import ROUTES
from services.referral.audit.recording import RecordedRoute
from services.referral.audit.tables import AUDIT
from tests.service.referral import making
from tests.service.referral.counting import statements_of
from tests.service.referral.staying import staying
from tests.service.referral.test_searching import lost
from tests.service.referral.world import World

SCOPE = "access-log:read"
SAY_NOTHING_OF_A_PERSON = {
    "read_completion_facts", "count_reviews", "count_work_lists", "count_stays", "count_waitlists", "read_statistics",
    "read_kind_statistics", "read_stages", "count_by_stage",
    "summarise_unmet", "summarise_unmet_kinds",
    "read_invariants", "list_places", "list_absences", "add_absence", "cancel_absence",
    "read_hand_over",
    "read_batch_progress", "read_waiting_times", "list_desks", "count_offers",
}  # fmt: skip
RECORDED_WHERE_THEY_ARE_TAKEN = {"acknowledge_offer", "accept_offer", "decline_offer"}


def routes() -> list[APIRoute]:
    return [route for router in ROUTES for route in router.routes if isinstance(route, APIRoute)]


async def log_of(world: World, returnee: UUID, *, restricted: bool = False, **query: Any) -> dict[str, Any]:
    scopes = SCOPE + (" restricted:read" if restricted else "")
    headers = world.headers(scopes, client_id="data-protection-officer")
    found: dict[str, Any] = await world.ask(f"returnees/{returnee}/access-log", headers=headers, **query)
    return found


async def entries(world: World) -> list[dict[str, Any]]:
    return await world.rows("SELECT * FROM access_entry ORDER BY id")


async def clear(world: World) -> None:
    await world.by_force("SET session_replication_role = replica; DELETE FROM access_entry")


async def everything(world: World) -> dict[str, tuple[str, UUID]]:
    """Every read with its path and whose data it shows: people in a shelter, a queue, in review, being looked for."""
    stays, shelter, path = await staying(world)
    sought, _, search = await lost(world, await world.provider(category="food"), category="food")
    await world.provider(category="health", places=0)
    queued = await world.person({"category": "health"})
    await world.person({"category": "gbv"})
    await world.round()
    halted = await _halted(world)
    await world.pass_time(hours=73)
    (review,) = (await world.ask("reviews", headers=world.staff(restricted=True)))["items"]
    return {
        "list_holds": (f"places/{shelter.pool_id}/holds", stays),
        "read_stay": (path, stays),
        "list_reviews": ("reviews", UUID(review["returnee_id"])),
        "list_search_attempts": (f"referrals/{search}/search-attempts", sought),
        "list_waitlists": ("waitlists", queued),
        "list_halted": ("work-lists/halted", halted),
        **{name: (path, sought) for name, path in OF_THE_SOUGHT.items()},
        **await _of_one(world, stays),
    }


OF_THE_SOUGHT = {
    "list_follow_up": "work-lists/follow-up",
    "list_owned_needs": "work-lists/owned",
    "list_mine": "work-lists/mine",
    "list_overdue": "work-lists/overdue",
    "list_escalations": "work-lists/escalations",
    "list_unmet": "work-lists/unmet",
}


async def _halted(world: World) -> UUID:
    legal = await world.provider(category="legal", service_type="legal_aid")
    returnee = await world.person({"category": "legal"})
    await world.round()
    await world.step(f"offers/{(await world.offer_of(returnee))['offer_id']}/accept", headers=world.partner(legal))
    changed = making.registered(returnee, version=2, avoid_organizations=[legal.organization_id])
    await world.hear(changed)
    return returnee


async def _of_one(world: World, stays: UUID) -> dict[str, tuple[str, UUID]]:
    offer, need = await world.offer_of(stays), await world.need_of(stays)
    paths = {
        "list_offers": "offers",
        "read_offer": f"offers/{offer['offer_id']}",
        "explain_offer": f"offers/{offer['offer_id']}/explanation",
        "read_timeline_by_offer": f"offers/{offer['offer_id']}/timeline",
        "read_timeline": f"returnees/{stays}/timeline",
        "read_access_log": f"returnees/{stays}/access-log",
        "read_journey": f"returnees/{stays}/journey",
        "read_referral": f"referrals/{offer['referral_id']}",
        "read_need": f"needs/{need['need_id']}",
        "list_stays": "stays",
        "list_exits_today": "work-lists/exits-today",
        "list_leaving_without_next_step": "work-lists/leaving-without-next-step?within_hours=720",
        "list_due": "work-lists/due?within=31536000",
        "list_waiting": "work-lists/waiting",
    }
    return {name: (path, stays) for name, path in paths.items()}


async def test_every_read_that_shows_a_person_is_recorded_with_who_which_what_and_why(world: World):
    """Every route that answers a GET. Seen to fail with `record` taken out of `endpoint_and_record`."""
    reads = {route.name for route in routes() if route.methods == {"GET"}} - SAY_NOTHING_OF_A_PERSON
    shows = await everything(world)
    assert shows.keys() == reads, "a new read: say here whose data it shows"
    headers = world.headers(
        "offers:read referrals:read work-lists:read places:read restricted:read access-log:read",
        client_id="somebody",
        desks=["lead", "steward"],
    )
    unrecorded = []
    for name, (path, whose) in shows.items():
        await clear(world)
        purpose = "&purpose=supervision" if "?" in path else "?purpose=supervision"
        answer = await world.client.get(f"/v1/{path}{purpose}", headers=headers)
        assert answer.status_code == 200, (name, answer.text)
        found = [one for one in await entries(world) if whose in one["returnee_ids"]]
        told = {(one["action"], one["kind"], one["client_id"], one["purpose"]) for one in found}
        if told != {(name, "read", "somebody", "supervision")}:
            unrecorded.append((name, told, answer.json()))
    assert unrecorded == []


def test_every_route_that_changes_or_shows_something_records_it_by_itself():
    """Seen to fail with a router made without `route_class`."""
    quiet = SAY_NOTHING_OF_A_PERSON | RECORDED_WHERE_THEY_ARE_TAKEN
    for route in routes():
        asked = inspect.signature(route.endpoint).parameters.keys()
        assert isinstance(route, RecordedRoute), route.path
        assert route.name in quiet or {"session", "caller"} <= asked, route.name


async def test_answers_and_steps_are_recorded_as_writes_each_once(world: World):
    """One by one, gathered, and many in a call. Seen to fail with `audit.record` taken out of `answering`."""
    shelter = await world.provider()
    one, two, three = await world.offers_to(shelter, 3)
    partner = world.partner(shelter)
    await world.step(f"offers/{one}/acknowledge", headers=partner)
    accepted = await world.step(f"offers/{one}/accept", headers=partner)
    await world.step(f"referrals/{accepted.json()['referral_id']}/start", headers=partner)
    stranger = uuid4()
    answers = [{"offer_id": str(id_), "answer": "accept"} for id_ in (two, one, stranger)]
    await world.step("offers/answers", {"answers": answers}, headers={**partner, "Idempotency-Key": str(uuid4())})
    refused = await world.step(f"offers/{three}/decline", {"reason": "other"}, headers=partner)
    assert refused.status_code == 422
    found = [(row["action"], row["kind"], row["record_ids"]) for row in await entries(world)]
    assert found == [
        ("acknowledge_offer", "write", [one]),
        ("accept_offer", "write", [one]),
        ("start_referral", "write", [UUID(accepted.json()["referral_id"])]),
        ("answer_offers", "write", [two]),
    ]
    assert {row["organization_id"] for row in await entries(world)} == {shelter.organization_id}


async def test_a_person_gets_their_list_and_nothing_of_who_stood_beside_them(world: World):
    await world.provider()
    one, other = await world.person({}), await world.person({})
    await world.round()
    await world.ask("offers")
    mine, theirs = (await log_of(world, one))["items"], (await log_of(world, other))["items"]
    assert [(entry["action"], entry["kind"], entry["purpose"]) for entry in mine] == [
        ("list_offers", "read", "referral")
    ]
    assert mine[0]["record_ids"] == [str((await world.offer_of(one))["offer_id"])]
    assert theirs[0]["record_ids"] == [str((await world.offer_of(other))["offer_id"])]
    assert "case_code" in mine[0]["fields"]
    again = await log_of(world, one, limit=1)
    assert again["items"][0]["action"] == "read_access_log", "the look at the list is in the list"
    rest = await log_of(world, one, limit=1, after=again["next"])
    assert rest["items"][0]["action"] == "list_offers"


async def test_the_list_is_for_staff_with_its_scope_and_outlives_the_erasure(world: World):
    shelter = await world.provider()
    returnee = await world.person({})
    path = f"/v1/returnees/{returnee}/access-log"
    partner = world.issuer.headers(SCOPE, organization_id=shelter.organization_id)
    assert (await world.client.get(path, headers=world.staff())).json()["code"] == "insufficient-scope"
    assert (await world.client.get(path, headers=partner)).json()["code"] == "staff-only"
    await world.ask(f"returnees/{returnee}/journey")
    await world.hear(ReturneeErased(returnee_id=returnee, erased_at=datetime.now(UTC)))
    assert [one["action"] for one in (await log_of(world, returnee))["items"]] == ["read_journey"]
    unknown = await world.client.get(f"/v1/returnees/{uuid4()}/access-log", headers=world.issuer.headers(SCOPE))
    assert unknown.status_code == 404


async def test_entries_of_restricted_needs_do_not_exist_without_their_scope(world: World):
    """The two needs of one page have an entry each. Seen to fail with `restricted` taken out of the condition."""
    returnee = await world.person({"category": "gbv"}, {})
    await world.ask(f"returnees/{returnee}/journey", headers=world.staff(restricted=True))
    hidden = await world.row("SELECT need_id FROM need WHERE restricted")
    seen = (await log_of(world, returnee))["items"]
    assert str(hidden["need_id"]) not in str(seen)
    assert len(seen) == 1
    open_eyes = (await log_of(world, returnee, restricted=True))["items"]
    assert str(hidden["need_id"]) in str(open_eyes)


async def test_what_is_not_shown_is_not_recorded(world: World):
    shelter, other = await world.provider(), await world.provider(category="health")
    (offer,) = await world.offers_to(shelter, 1)
    answer = await world.client.get(f"/v1/offers/{offer}", headers=world.partner(other))
    assert answer.status_code == 404
    assert await entries(world) == []


async def test_nothing_is_shown_that_cannot_be_recorded(world: World):
    """Seen to fail with the record written after the response."""
    returnee = await world.person({})
    await world.by_force("ALTER TABLE access_entry RENAME TO lost")
    answer = await world.client.get(f"/v1/returnees/{returnee}/journey", headers=world.staff())
    assert answer.status_code == 500
    assert "needs" not in answer.json()


async def test_a_page_of_many_people_costs_one_statement_and_one_entry(world: World):
    shelter = await world.provider(places=40)
    await world.offers_to(shelter, 30)
    await world.ask("offers", limit=1)
    with statements_of(world.database) as few:
        await world.ask("offers", limit=2)
    with statements_of(world.database) as many:
        await world.ask("offers", limit=30)
    assert len(many) == len(few)
    assert [len(one["returnee_ids"]) for one in await entries(world)] == [1, 2, 30]


async def test_who_has_seen_all_of_one_person_is_found_through_an_index(world: World):
    """A function of the owner has it: behind a policy no condition on an array uses its index."""
    returnee = await world.person({})
    await world.ask(f"returnees/{returnee}/journey")
    (body,) = (await world.rows("SELECT prosrc FROM pg_proc WHERE proname = 'accesses_of'"))[0].values()
    connection = await asyncpg.connect(world.url)
    try:
        await connection.execute("SET enable_seqscan = off")
        plan = await connection.fetch("EXPLAIN " + body.replace("person]", f"'{returnee}'::uuid]"))
    finally:
        await connection.close()
    assert "ix_access_entry_returnee_ids" in str(plan)
    look = "SELECT count(*) FROM accesses_of($1)"
    assert (await world.row(look, returnee))["count"] == 1
    async with world.database.transaction_of(Tenant("a", staff=True, restricted=True)) as session:
        assert await (await raw(session)).fetchval(look, returnee) == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_entry SET who = 'somebody else' WHERE id = 2",
        "UPDATE access_entry SET returnee_ids = ARRAY[gen_random_uuid()] WHERE id = 2",
        "DELETE FROM access_entry WHERE id = 2",
        "UPDATE access_seal SET hash = previous_hash WHERE id = 1",
    ],
)
async def test_whoever_gets_past_the_trigger_breaks_the_chain(world: World, change: str):
    """Seen to fail with each column taken out of `AUDIT.covered`."""
    returnee = await world.person({})
    for _ in range(3):
        await world.ask(f"needs/{(await world.need_of(returnee))['need_id']}")
        while not await seal_once(world.database, AUDIT):
            pass
    assert (await report(world)).broken_at is None
    connection = await asyncpg.connect(world.url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await connection.execute(change)
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(change)
    finally:
        await connection.close()
    assert (await report(world)).broken_at is not None


async def report(world: World) -> Any:
    async with world.database.transaction() as session:
        return await check(session, AUDIT)
