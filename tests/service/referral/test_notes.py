"""Words that somebody wrote about a person are wiped with the person; the record of steps stays."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.chassis.migrations import upgrade
from libs.events.catalogue.registration import ReturneeErased, ReturneeMerged
from services.referral.ownership.loop import HandOvers
from tests.service.referral import making
from tests.service.referral.staying import staying
from tests.service.referral.test_promises import breaks, reviews, watcher
from tests.service.referral.test_searching import lost, tried
from tests.service.referral.world import World
from tests.words import where_it_is_written

WORD = "zarigüeya"
SENTENCE = f"Her name is {WORD}"
REVIEWED = {"categories": {"shelter": {"review": True}}}
Way = Callable[[World], Awaitable[UUID]]


async def declines(world: World) -> UUID:
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    path = f"offers/{(await world.offer_of(returnee))['offer_id']}/decline"
    await world.step(path, {"reason": "full", "note": SENTENCE}, headers=world.partner(shelter))
    return returnee


async def declines_among_many(world: World) -> UUID:
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    answer = {"offer_id": str((await world.offer_of(returnee))["offer_id"]), "answer": "decline", "reason": "full"}
    headers = {**world.partner(shelter), "Idempotency-Key": str(uuid4())}
    await world.step("offers/answers", {"answers": [answer | {"note": SENTENCE}]}, headers=headers)
    return returnee


async def searches(world: World) -> UUID:
    returnee, _, referral = await lost(world)
    await tried(world, referral, "not_found", note=SENTENCE)
    return returnee


async def decides_a_review(world: World, decision: str = "approve") -> UUID:
    returnee = await world.person({})
    (review,) = (await world.ask("reviews", status="pending"))["items"]
    await world.step(f"reviews/{review['id']}/{decision}", {"note": SENTENCE})
    return returnee


async def rejects_a_review(world: World) -> UUID:
    return await decides_a_review(world, "reject")


async def resolves_a_broken_promise(world: World) -> UUID:
    await world.provider()
    returnee = await world.person({})
    await world.round()
    await breaks(world, "UPDATE referral SET offer_id = NULL")
    await watcher(world).look()
    for review in await reviews(world):
        await world.step(f"reviews/{review['id']}/resolve", {"note": SENTENCE})
    return returnee


async def overrides(world: World) -> UUID:
    await world.provider()
    far = await world.provider(catchment=["GT13"])
    returnee = await world.person({})
    await world.round()
    referral = (await world.referral_of(returnee))["referral_id"]
    body = {"provider_service_id": str(far.service_id), "reason": SENTENCE}
    await world.step(f"referrals/{referral}/override", body)
    return returnee


async def lengthens_a_stay(world: World) -> UUID:
    returnee, _, path = await staying(world)
    await world.step(f"{path}/extend", {"hours": 24, "reason": SENTENCE})
    return returnee


async def enters_in_error(world: World) -> UUID:
    returnee = await world.person({})
    referral = (await world.referral_of(returnee))["referral_id"]
    await world.step(f"referrals/{referral}/enter-in-error", {"note": SENTENCE})
    return returnee


async def upholds_what_was_halted(world: World) -> UUID:
    shelter = await world.provider(catchment=["GT12"])
    returnee = await world.person({}, destination="GT12")
    await world.round()
    offer = await world.offer_of(returnee)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await world.hear(making.registered(returnee, version=2, destination="GT13"))
    answer = await world.step(f"referrals/{offer['referral_id']}/uphold", {"reason": SENTENCE})
    assert answer.status_code == 200, answer.text
    return returnee


async def hands_over(world: World) -> UUID:
    returnee = await world.person({})
    await world.round()
    body = {"from": "lead", "to": "steward", "reason": SENTENCE}
    await world.step("work-lists/hand-over", body, headers={**world.staff(), "Idempotency-Key": str(uuid4())})
    return returnee


WAYS: dict[Way, dict[str, object]] = {
    declines: {},
    declines_among_many: {},
    searches: {},
    decides_a_review: REVIEWED,
    rejects_a_review: REVIEWED,
    resolves_a_broken_promise: {},
    overrides: {},
    lengthens_a_stay: {},
    enters_in_error: {},
    hands_over: {},
    upholds_what_was_halted: {"categories": {"shelter": {"distance_from": "destination"}}},
}


async def erase(world: World, returnee: UUID) -> None:
    await world.hear(ReturneeErased(returnee_id=returnee, erased_at=datetime.now(UTC)))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_words_about_a_person_are_nowhere_after_erasure_and_the_steps_are_all_there(new_world, way: Way):
    """Every way in which somebody may write. Seen to fail with `notes.wipe` taken out of `endings.erase`."""
    async with new_world(**WAYS[way]) as world:
        returnee = await way(world)
        assert await where_it_is_written(world.url, WORD) == {("note", "text")}
        steps = await world.rows("SELECT * FROM step ORDER BY step_id")
        await erase(world, returnee)
        assert await where_it_is_written(world.url, WORD) == set()
        assert (await world.rows("SELECT * FROM step ORDER BY step_id"))[: len(steps)] == steps


@pytest.mark.parametrize("erased", ["the record that stays", "the record that was merged"])
async def test_merged_records_are_one_person_and_the_notes_of_both_go(world: World, erased: str):
    """Seen to fail with `_WIPE` reduced to the records that are named."""
    one = await declines(world)
    other = await world.person()
    await world.hear(ReturneeMerged(returnee_id=one, into_returnee_id=other))
    stranger = await enters_in_error(world)
    await erase(world, other if erased == "the record that stays" else one)
    assert {row["returnee_id"] for row in await world.rows("SELECT returnee_id FROM note")} == {stranger}


async def test_words_said_of_several_people_at_once_go_with_the_first_who_is_erased(world: World):
    """Seen to fail without `hand_over_id` in `_WIPE`: the other person's step still told the name."""
    other = await world.person({})
    returnee = await hands_over(world)
    assert {row["returnee_id"] for row in await world.rows("SELECT * FROM note")} == {returnee, other}
    await erase(world, returnee)
    assert await where_it_is_written(world.url, WORD) == set()


async def test_words_of_a_hand_over_under_way_go_too_and_the_needs_still_move(world: World, monkeypatch):
    """Seen to fail with `forget_words` taken out of `endings.erase`."""
    monkeypatch.setattr("services.referral.ownership.actions.NEEDS_MAX", 1)
    other = await world.person({})
    returnee = await hands_over(world)
    assert ("hand_over", "note") in await where_it_is_written(world.url, WORD)
    await erase(world, returnee)
    assert await where_it_is_written(world.url, WORD) == set()
    while await HandOvers(world.database, world.policy).move_once():
        pass
    assert (await world.need_of(other))["owner"] == "steward"


async def test_nothing_is_written_any_more_about_somebody_who_has_been_erased(world: World):
    """A referral may be entered in error afterwards. Seen to fail without the guard in `Work._keep`."""
    returnee = await world.person({})
    await erase(world, returnee)
    referral = (await world.referral_of(returnee))["referral_id"]
    answer = await world.step(f"referrals/{referral}/enter-in-error", {"note": SENTENCE})
    assert await where_it_is_written(world.url, WORD) == set()
    assert answer.status_code in (200, 409)


async def test_a_note_that_belongs_to_nobody_has_its_days_counted(world: World):
    """A broken promise of a pool is about no person. Seen to fail with `wipe_of_nobody` taken out of the watcher."""
    await world.provider()
    await breaks(world, "UPDATE pool SET held = held + 1")
    await watcher(world).look()
    (review,) = await reviews(world)
    await world.step(f"reviews/{review['id']}/resolve", {"note": SENTENCE})
    await breaks(world, "UPDATE pool SET held = 0")
    await watcher(world).look()
    assert len(await world.rows("SELECT * FROM note")) == 1
    world.clock.passed += timedelta(days=29)
    await watcher(world).look()
    assert await world.rows("SELECT * FROM note") == []


OLD_STEP = """
INSERT INTO step (at, returnee_id, need_id, step, led_to, actor, note)
VALUES (now(), $1, gen_random_uuid(), 'offer.decline', 'declined', 'desk', $2)
"""


async def test_notes_written_before_move_and_those_of_the_erased_do_not(postgres_server):
    """Seen to fail with the words left in their old columns, and with `gone` taken out of `_MOVE`."""
    url = postgres_server.new_database("old_notes")
    upgrade("referral", url, revision="0015")
    lives, erased = uuid4(), uuid4()
    connection = await asyncpg.connect(url)
    try:
        for one, since in ((lives, None), (erased, datetime.now(UTC))):
            await connection.execute(
                "INSERT INTO journey (returnee_id, profile_version, consent_version, first_seen_at, erased_at)"
                " VALUES ($1, 1, 0, now(), $2)",
                one,
                since,
            )
            await connection.execute(OLD_STEP, one, SENTENCE)
        upgrade("referral", url)
        notes = await connection.fetch("SELECT step.returnee_id, text FROM step LEFT JOIN note USING (note_id)")
        assert {(row["returnee_id"], row["text"]) for row in notes} == {(lives, SENTENCE), (erased, None)}
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute("DELETE FROM step")
    finally:
        await connection.close()
    assert await where_it_is_written(url, WORD) == {("note", "text")}
