"""A person who could not be found is looked for: attempts are logged, clocks remind, a queue says who is next."""

from uuid import uuid4

from tests.service.referral import making
from tests.service.referral.test_promises import breaks
from tests.service.referral.world import Provider, World


async def lost(world: World, shelter: Provider | None = None, **need):
    """A returnee whom the provider could not find."""
    shelter = shelter or await world.provider()
    returnee = await world.person(need)
    await world.round()
    offer = await world.offer_of(returnee)
    await world.step(
        f"offers/{offer['offer_id']}/decline",
        {"reason": "person_not_found"},
        headers=world.partner(shelter, restricted=True),
    )
    return returnee, shelter, (await world.referral_of(returnee))["referral_id"]


async def tried(world: World, referral, result: str, **more):
    headers = {**world.staff(), "Idempotency-Key": str(uuid4())}
    body = {"channel": "call", "result": result, **more}
    return await world.step(f"referrals/{referral}/search-attempts", body, headers=headers)


async def test_a_person_once_found_is_offered_again_at_once_also_to_the_same_provider(world: World):
    """Not even a new fact wakes the referral before; with `person_not_found` excluding, nobody would be asked after."""
    returnee, shelter, referral = await lost(world)
    (entry,) = (await world.ask("work-lists/follow-up", owner="lead"))["items"]
    assert (entry["referral_id"], entry["owner"], entry["attempt_count"]) == (str(referral), "lead", 0)
    await world.hear(making.consent(returnee, version=2))
    assert await world.round() == 0
    answer = await tried(world, referral, "found", note="at her sister's")
    assert (answer.status_code, answer.json()["result"]) == (201, "found")
    assert (await world.need_of(returnee))["owner"] is None
    assert (await world.ask("work-lists/follow-up"))["items"] == []
    assert await world.round() == 1
    assert (await world.offer_of(returnee))["provider_service_id"] == shelter.service_id
    (logged,) = (await world.ask(f"referrals/{referral}/search-attempts"))["items"]
    assert "note" not in logged
    assert (logged["channel"], logged["by"]) == ("call", answer.json()["by"])
    again = await tried(world, referral, "found")
    assert (again.status_code, again.json()["code"]) == (409, "step-not-allowed")
    assert await world.promises() == {}


async def test_after_the_last_attempt_the_steward_owns_the_need_and_may_still_find_the_person(world: World):
    """Without the comparison in `search_steps.miss` the lead desk would be asked for ever."""
    returnee, _, referral = await lost(world)
    for _ in range(2):
        assert (await tried(world, referral, "not_found")).status_code == 201
        assert (await world.need_of(returnee))["owner"] == "lead"
    await tried(world, referral, "not_found")
    need = await world.need_of(returnee)
    assert (need["status"], need["owner"], need["owner_reason"]) == ("open", "steward", "person_not_found")
    (entry,) = (await world.ask("work-lists/follow-up", owner="steward"))["items"]
    assert (entry["attempt_count"], entry["missed_count"], entry["last_result"]) == (3, 3, "not_found")
    assert await world.promises() == {}
    await tried(world, referral, "found")
    assert await world.round() == 1


async def test_after_the_last_attempt_no_clock_counts_another_miss(world: World):
    """Without `stop_timers` in `miss` the clock of the attempt before runs out later, and reminds once more."""
    _, _, referral = await lost(world)
    for _ in range(3):
        await tried(world, referral, "not_found")
    await world.pass_time(hours=23)
    await world.pass_time(hours=2)
    assert await world.published("referral.search-due.v1") == []
    (entry,) = (await world.ask("work-lists/follow-up"))["items"]
    assert entry["missed_count"] == 3


async def test_who_is_lost_again_is_looked_for_as_often_as_before(world: World):
    """Without the 0 in `begin` the misses of the search before count on, and the steward answers too soon."""
    returnee, shelter, referral = await lost(world)
    for result in ("not_found", "not_found", "found"):
        await tried(world, referral, result)
    assert await world.round() == 1
    offer = await world.offer_of(returnee)
    body = {"reason": "person_not_found"}
    await world.step(f"offers/{offer['offer_id']}/decline", body, headers=world.partner(shelter))
    for _ in range(2):
        await tried(world, referral, "not_found")
        assert (await world.need_of(returnee))["owner"] == "lead"
    await tried(world, referral, "not_found")
    assert (await world.need_of(returnee))["owner"] == "steward"


async def test_nobody_looks_so_the_clock_reminds_and_then_the_steward_is_told(new_world):
    """Without an action for the clock of the search the need would lie with a silent desk."""
    async with new_world(search={"attempts": 3, "every": 600}) as world:
        returnee, _, referral = await lost(world)
        for nth in (1, 2):
            await world.pass_time(seconds=601)
            reminders = await world.published("referral.search-due.v1")
            assert [one["missed_count"] for one in reminders] == list(range(1, nth + 1))
            assert {one["owner"] for one in reminders} == {"lead"}
        await world.pass_time(seconds=601)
        assert (await world.need_of(returnee))["owner"] == "steward"
        assert (await world.referral_of(returnee))["referral_id"] == referral
        await world.pass_time(seconds=3000)
        assert len(await world.published("referral.search-due.v1")) == 3
        assert await world.promises() == {}


async def test_whoever_owns_the_need_is_told_that_it_is_time_to_look(new_world):
    """Without `need.owner` in `remind` the lead desk is told, whoever has the need now."""
    async with new_world(search={"attempts": 3, "every": 600}) as world:
        await lost(world)
        await breaks(world, "UPDATE need SET owner = 'child'")
        await world.pass_time(seconds=601)
        assert [one["owner"] for one in await world.published("referral.search-due.v1")] == ["child"]


async def test_somebody_who_will_return_is_waited_for_without_a_miss(world: World):
    _, _, referral = await lost(world)
    await world.pass_time(seconds=3000)
    before = (await world.ask("work-lists/follow-up"))["items"][0]["next_attempt_at"]
    for _ in range(5):
        assert (await tried(world, referral, "will_return")).status_code == 201
    (entry,) = (await world.ask("work-lists/follow-up"))["items"]
    assert (entry["missed_count"], entry["owner"]) == (0, "lead")
    assert entry["next_attempt_at"] > before


async def test_the_follow_up_queue_is_paged_by_what_is_due_first(world: World):
    shelter = await world.provider()
    referrals = []
    for _ in range(3):
        referrals.append(str((await lost(world, shelter))[2]))
        await world.pass_time(seconds=1)
    found, after = [], None
    while after is not None or not found:
        query = {"limit": 1} | ({} if after is None else {"after": after})
        page = await world.ask("work-lists/follow-up", **query)
        found += [one["referral_id"] for one in page["items"]]
        after = page["next"]
    assert found == referrals
    assert (await world.ask("work-lists/follow-up", owner="nobody-desk"))["items"] == []


async def test_a_search_in_a_restricted_category_does_not_exist_for_others(world: World):
    """Without the condition on `restricted` in `searches.queries` it is there, counts included."""
    _, _, referral = await lost(world)
    async with world.database.transaction() as session:
        from libs.chassis.database import raw

        await (await raw(session)).execute("UPDATE referral SET restricted = true")
    assert (await world.ask("work-lists/follow-up"))["items"] == []
    assert (await tried(world, referral, "found")).status_code == 404
    path = f"/v1/referrals/{referral}/search-attempts"
    assert (await world.client.get(path, headers=world.staff())).status_code == 404
    assert len((await world.ask("work-lists/follow-up", headers=world.staff(restricted=True)))["items"]) == 1


async def test_providers_neither_log_nor_see_searches(world: World):
    _, shelter, referral = await lost(world)
    headers = world.issuer.headers(
        "needs:write work-lists:read", organization_id=shelter.organization_id, client_id="partner"
    )
    body = {"channel": "call", "result": "found"}
    keyed = {**headers, "Idempotency-Key": str(uuid4())}
    answer = await world.step(f"referrals/{referral}/search-attempts", body, headers=keyed)
    assert (answer.status_code, answer.json()["code"]) == (403, "staff-only")
    assert (await world.client.get("/v1/work-lists/follow-up", headers=headers)).status_code == 403


async def test_bad_input_names_its_field_and_logs_nothing(world: World):
    _, _, referral = await lost(world)
    for body, pointer in (
        ({"channel": "pigeon", "result": "found"}, "/channel"),
        ({"channel": "call", "result": "perhaps"}, "/result"),
        ({"channel": "call", "result": "found", "phone": "5555 1234"}, "/phone"),
    ):
        headers = {**world.staff(), "Idempotency-Key": str(uuid4())}
        answer = await world.step(f"referrals/{referral}/search-attempts", body, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await tried(world, uuid4(), "found")).status_code == 404
    assert await world.rows("SELECT 1 FROM search_attempt") == []


async def test_a_search_ends_with_its_referral(world: World):
    """Without the end of the search in `referral_steps._end` the queue would show a person who needs nothing."""
    returnee, _, _ = await lost(world)
    need = await world.need_of(returnee)
    await world.step(f"needs/{need['need_id']}/refuse")
    assert (await world.ask("work-lists/follow-up"))["items"] == []
    assert await world.rows("SELECT 1 FROM timer WHERE kind = 'search_deadline'") == []


async def test_an_accepted_service_that_did_not_find_the_person_starts_a_search(world: World):
    shelter = await world.provider(category="health", service_type="clinic")
    returnee = await world.person({"category": "health"})
    await world.round()
    offer = await world.offer_of(returnee)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    await world.step(f"referrals/{offer['referral_id']}/not-delivered", {"reason": "person_not_found"})
    (entry,) = (await world.ask("work-lists/follow-up"))["items"]
    assert entry["referral_id"] == str((await world.referral_of(returnee))["referral_id"])
    assert await world.promises() == {}
