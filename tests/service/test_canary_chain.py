"""A marked person on the whole way without Kafka: registration's events go to referral, referral's to notifications,
and notifications calls a receiver. The mark leaves registration at no step."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from libs.events.catalogue import CATALOGUE
from libs.events.event import Event
from services.notifications.inbox.subscribers import TOLD
from services.referral.app import subscriptions
from tests.marks import BIRTH_DATE, PHONE, columns_that_tell, mark, tells, watching
from tests.service.notifications import conftest as of_notifications
from tests.service.referral import conftest as of_referral
from tests.service.referral.world import World
from tests.service.registration import conftest as of_registration
from tests.service.registration.conftest import a_consent

# The fixtures of the three services.
databases, sample_pack, spans_directory = (
    of_registration.databases,
    of_registration.sample_pack,
    of_registration.spans_directory,
)
sample_priors, read_once = of_registration.sample_priors, of_registration.read_once
registration, new_world, world = of_registration.registration, of_referral.new_world, of_referral.world
database_url, settings = of_notifications.database_url, of_notifications.settings
service, webhooks = of_notifications.service, of_notifications.webhooks


def events_of(rows: Any) -> list[Event]:
    """What an outbox holds, as a consumer gets it."""
    return [CATALOGUE[row["topic"], row["type"]].model_validate_json(row["payload"]) for row in rows]


async def registered(registration: Any) -> dict[str, Any]:
    """A person with a mark in each text, a marked birth date and a marked number."""
    names = {"given_names": mark(), "family_names": mark(), "document_number": mark(), "birth_date": BIRTH_DATE}
    person: dict[str, Any] = await registration.register(
        sender_reference=mark(), identity=names, safe_contact={"channel": "call", "address": PHONE},
        consents=[a_consent(data_described=mark(), staff_reference=mark())],
        needs=[{"category": "shelter", "sender_reference": mark()}],
    )  # fmt: skip
    return person


async def heard_by_referral(registration: Any, world: World, returnee_id: str) -> None:
    """Referral gets all events about this person that it subscribes to."""
    listening = subscriptions(world.policy, place=world.router.place_at_once)
    rows = await registration.fetch("SELECT topic, type, payload FROM outbox WHERE key = $1 ORDER BY id", returnee_id)
    events = [one for one in events_of(rows) if listening.find(one.topic, one.type)]
    assert {"returnee.registered.v1", "consent.changed.v1", "need.reported.v1"} <= {one.type for one in events}
    await world.hear(*events)


async def offered(world: World, returnee_id: UUID) -> dict[str, Any]:
    """Offered, declined with words about the person, and offered to another provider, which accepts."""
    for _ in range(2):
        await world.provider()
    await world.round()
    offer = await world.offer_of(returnee_id)
    answer = await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "full", "note": f"{mark()} {PHONE}"})
    assert answer.status_code == 200, answer.text
    await world.round()
    again = await world.offer_of(returnee_id)
    assert again["offer_id"] != offer["offer_id"]
    assert (await world.step(f"offers/{again['offer_id']}/accept")).status_code == 200
    return again


async def test_nothing_of_a_marked_person_reaches_referral_notifications_or_the_receiver_of_a_webhook(
    registration, world, service, webhooks, caplog, capfd
):
    with watching(caplog, capfd) as watch:
        person = await registered(registration)
        await heard_by_referral(registration, world, person["id"])
        await offered(world, UUID(person["id"]))
        told = events_of(await world.rows("SELECT topic, type, payload FROM outbox ORDER BY id"))
        told = [one for one in told if isinstance(one, TOLD)]
        assert {"offer.made.v1", "offer.accepted.v1"} <= {one.type for one in told}
        for organization_id in {one.organization_id for one in told}:  # type: ignore[attr-defined]
            await service.add_endpoint(webhooks.url, organization_id)
        service.start(service.sender())
        await service.tell(*told)
        calls = list(await webhooks.wait_for(len(told)))
        await service.wait_for_rows(
            "SELECT 1 WHERE (SELECT count(*) FROM delivery WHERE status = 'succeeded') = $1", len(told)
        )
        await service.stop()
        assert watch.telling() == {}
    bodies = [call.body.decode() + json.dumps(call.headers) + call.path for call in calls]
    assert any("case_code" in one for one in bodies), "bodies are looked through at all"
    assert [one for one in bodies if tells(one)] == []
    assert [one for one in bodies if person["id"] in one] == [], "outside of the network a person is a case code"
    assert await columns_that_tell(world.url) == {"note.text"}, "the words of the provider who declined"
    assert await columns_that_tell(service.url) == set()
    assert await columns_that_tell(registration.url) == set()
    assert await columns_that_tell(registration.keys_url) == set()
