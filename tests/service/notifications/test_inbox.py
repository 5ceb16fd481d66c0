"""The inbox: everything an organisation was told, once, in a list that can be read on from where one stopped."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from libs.events.catalogue.directory import CapacityRefreshRequested
from libs.events.catalogue.journeys import JudgedOn
from libs.events.catalogue.notifications import EndpointDisabled
from libs.events.catalogue.referral import OfferHalted, OfferRecalled, OfferUpheld, ReferralCancelled
from libs.events.codes import CancelReason, RecallReason
from services.notifications.inbox.actions import number_notifications
from services.notifications.inbox.loop import Retention
from services.notifications.inbox.subscribers import file_notices
from tests.service.notifications.conftest import ALICE, BRUNO, an_offer, received


async def read(service, organization_id=ALICE, **params):
    response = await service.get("/v1/inbox", organization_id, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_organisation_finds_its_own_notifications_without_any_endpoint(service):
    mine, other = await service.tell(an_offer(ALICE), an_offer(BRUNO))
    page = await read(service)
    assert [item["message_id"] for item in page["items"]] == [mine.id]
    (item,) = page["items"]
    assert item["type"] == "offer.made.v1"
    assert item["data"]["offer_id"] == str(mine.event.offer_id)
    assert "returnee_id" not in item["data"]
    assert (page["more"], await read(service, BRUNO)) == (False, await read(service, BRUNO))
    assert [item["message_id"] for item in (await read(service, BRUNO))["items"]] == [other.id]


async def test_the_inbox_holds_what_the_webhook_carries(service, webhooks):
    await service.add_endpoint(webhooks.url)
    service.start(service.sender())
    await service.tell(an_offer())
    (call,) = await webhooks.wait_for(1)
    (item,) = (await read(service))["items"]
    assert item == {"message_id": call.message_id} | call.content


async def test_a_reader_goes_on_where_it_stopped_also_from_the_end(service):
    assert await read(service) == {"items": [], "next": None, "more": False}
    told = [event.id for event in await service.tell(*(an_offer() for _ in range(5)))]
    first = await read(service, limit=2)
    assert first["more"]
    second = await read(service, limit=3, after=first["next"])
    assert not second["more"]
    assert sorted(item["message_id"] for item in first["items"] + second["items"]) == sorted(told)
    nothing = await read(service, after=second["next"])
    assert (nothing["items"], nothing["next"]) == ([], second["next"])
    (later,) = await service.tell(an_offer())
    assert [item["message_id"] for item in (await read(service, after=second["next"]))["items"]] == [later.id]


async def test_a_row_that_was_written_early_and_committed_late_is_not_passed_over(service):
    """The classic fault of feeds that are numbered when rows are written."""
    early, late = received(an_offer()), received(an_offer())
    async with service.database.transaction() as session:
        await file_notices(session, [early])
        async with service.database.transaction() as other:
            await file_notices(other, [late])
        page = await read(service)
        assert [item["message_id"] for item in page["items"]] == [late.id]
    assert [item["message_id"] for item in (await read(service, after=page["next"]))["items"]] == [early.id]


async def test_readers_at_once_number_without_gap_or_double(service):
    for _ in range(4):
        await service.tell(*(an_offer() for _ in range(10)))
        pages = await asyncio.gather(*(read(service, limit=200) for _ in range(4)))
        assert all(page["items"] == pages[0]["items"] for page in pages)
    rows = await service.rows("SELECT position FROM notification ORDER BY position")
    assert [row["position"] for row in rows] == list(range(1, 41))


async def test_a_position_once_given_never_changes_whoever_numbers_at_the_same_time(service):
    await service.tell(an_offer())
    after = (await read(service))["next"]
    earlier, later = received(an_offer()), received(an_offer())
    async with service.database.transaction() as session:
        await file_notices(session, [later])
    async with service.database.transaction() as numbering:
        await number_notifications(numbering, organization_id=ALICE)
        async with service.database.transaction() as session:
            await file_notices(session, [earlier])
        reading = asyncio.create_task(read(service, after=after))
        done, _ = await asyncio.wait([reading], timeout=1)
        assert not done, "the second reader waits for the first"
    page = await reading
    assert [item["message_id"] for item in page["items"]] == [later.id, earlier.id]


async def test_a_cursor_of_another_list_is_refused(service):
    await service.tell(an_offer())
    after = (await read(service))["next"]
    for bad in (after[:-2] + "AA", "nonsense"):
        response = await service.get("/v1/inbox", params={"after": bad})
        assert (response.status_code, response.json()["errors"][0]["rule"]) == (422, "bad-cursor")


async def test_other_events_that_concern_a_provider_are_told_and_those_that_name_none_are_not(service):
    moment = datetime.now(UTC)
    of_referral = {
        "returnee_id": uuid4(), "case_code": "GT-SMPL-0002", "need_id": uuid4(), "category": "shelter",
        "at": moment, "referral_id": uuid4(),
    }  # fmt: skip
    at_provider = {"offer_id": uuid4(), "organization_id": ALICE, "provider_service_id": uuid4()}
    await service.tell(
        OfferRecalled(**of_referral, **at_provider, reason=RecallReason.CONSENT_WITHDRAWN),
        ReferralCancelled(**of_referral, **at_provider, reason=CancelReason.BY_RETURNEE),
        ReferralCancelled(**of_referral, reason=CancelReason.BY_RETURNEE),
        CapacityRefreshRequested(
            provider_service_id=uuid4(), organization_id=ALICE, category="shelter", requested_at=moment
        ),
        EndpointDisabled(endpoint_id=uuid4(), organization_id=ALICE, at=moment),
    )
    items = (await read(service))["items"]
    assert [item["type"] for item in items] == [
        "offer.recalled.v1", "referral.cancelled.v1", "capacity.refresh-requested.v1", "endpoint.disabled.v1",
    ]  # fmt: skip
    assert items[0]["data"]["reason"] == "consent_withdrawn"
    assert set(items[1]["data"]) == {"offer_id", "referral_id", "case_code", "provider_service_id", "reason"}
    assert not any("returnee_id" in item["data"] for item in items)


async def test_a_halt_and_what_a_desk_decides_are_told_but_not_that_facts_have_changed(service):
    """Without the look at `by_desk` a provider would hear of each change of a person's profile."""
    known = {
        "returnee_id": uuid4(), "case_code": "GT-SMPL-0003", "need_id": uuid4(), "category": "shelter",
        "at": datetime.now(UTC), "referral_id": uuid4(), "offer_id": uuid4(), "organization_id": ALICE,
        "provider_service_id": uuid4(), "judged_on": JudgedOn(profiles=[], household_version=None),
    }  # fmt: skip
    await service.tell(
        OfferUpheld(**known, by_desk=False),
        OfferHalted(**known, reason=RecallReason.FACTS_CHANGED),
        OfferUpheld(**known, by_desk=True),
    )
    items = (await read(service))["items"]
    assert [item["type"] for item in items] == ["offer.halted.v1", "offer.upheld.v1"]
    assert items[0]["data"]["reason"] == "facts_changed"
    assert not any("judged_on" in item["data"] or "by_desk" in item["data"] for item in items)


async def test_what_is_older_than_30_days_is_forgotten_and_positions_go_on(service, webhooks):
    await service.add_endpoint(webhooks.url)
    service.start(service.sender())
    await service.tell(an_offer())
    await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'succeeded'")
    before = await read(service)
    await service.rows("UPDATE notification SET stored_at = now() - interval '31 days'")
    await service.rows("UPDATE delivery SET stored_at = now() - interval '31 days'")
    assert await Retention(service.database).purge_once() == 2
    assert await Retention(service.database).purge_once() == 0
    assert not await service.rows("SELECT 1 FROM attempt")
    (fresh,) = await service.tell(an_offer())
    page = await read(service, after=before["next"])
    assert [item["message_id"] for item in page["items"]] == [fresh.id]
