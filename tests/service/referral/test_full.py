"""A declared `full`, end to end on Kafka: the pool closes, the directory hears and asks, a declaration opens it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.settings import Role
from libs.events.catalogue.referral import OfferDeclined
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.subscriptions import Subscriptions
from libs.events.topics import ensure_topics
from services.provider_directory.app import create_app
from services.provider_directory.capacity.subscribers import doubt_figures
from services.provider_directory.settings import DirectorySettings
from services.referral.places import subscribers as places
from tests.infra import for_service
from tests.service.provider_directory.making import Directory, pool_body
from tests.service.referral import making
from tests.service.referral.test_on_kafka import going, until
from tests.service.referral.world import Provider, World
from tests.signing import KEYRING, SIGNERS

pytestmark = [pytest.mark.kafka]


PACK = Path(__file__).resolve().parents[3] / "deploy" / "packs" / "guatemala"


def directory_app(url: str, issuer: Any) -> Any:
    settings = DirectorySettings(
        database_url=for_service(url),
        kafka_bootstrap_servers="127.0.0.1:9",
        token_issuer=issuer.url,
        token_jwks_url=issuer.jwks_url,
        fingerprint_key="a-key-for-tests-alone",
        pack=PACK,
        role=Role.API,
    )
    return create_app(settings)


async def test_full_closes_the_pool_until_the_next_declaration_and_the_directory_hears_of_it(
    world: World, kafka_bootstrap: str, migrated: Any, issuer: Any, running: Any
):
    """Both services' own relays and consumers between two databases. Seen to fail with `close` doing nothing, and with
    `doubt_figures` hearing nothing."""
    await ensure_topics(kafka_bootstrap)
    url = migrated("provider_directory")
    theirs = Database(url, clock=Clock(), application_name="directory")
    of_referral, of_directory = Subscriptions(group=f"referral-{uuid4()}"), Subscriptions(group=f"directory-{uuid4()}")
    places.subscribe(of_referral)
    of_directory.on(OfferDeclined)(doubt_figures)
    loops = [
        Relay(url, kafka_bootstrap, source="urn:enlace:provider-directory", signer=SIGNERS["provider_directory"]),
        Relay(world.url, kafka_bootstrap, source=f"urn:enlace:referral-{uuid4()}", signer=SIGNERS["referral"]),
        Consumer(kafka_bootstrap, of_referral, transaction=world.database.transaction, keyring=KEYRING),
        Consumer(kafka_bootstrap, of_directory, transaction=theirs.transaction, keyring=KEYRING),
    ]
    async with running(directory_app(url, issuer)) as client, going(*loops):
        directory = Directory(client=client, issuer=issuer, database_url=url)
        await the_whole_way(world, directory)
    await theirs.close()


async def the_whole_way(world: World, directory: Directory) -> None:
    pool = pool_body(available=4)
    shelter = Provider(organization_id=await directory.an_organization())
    shelter.service_id = await directory.a_service(shelter.organization_id)
    await directory.a_declaration(shelter.service_id, pool)
    await world.hear(making.organization(shelter.organization_id))
    await world.hear(making.service(shelter.service_id, shelter.organization_id))
    mine = "SELECT closed, as_of FROM pool WHERE provider_service_id = $1 AND closed = $2"
    await until(lambda: world.rows(mine, shelter.service_id, False))
    path = f"/v1/services/{shelter.service_id}/capacity"
    before = (await directory.get(path)).json()
    assert (before["trust"], before["said_full_at"]) == (1.0, None)

    returnee = await world.person({})
    assert await world.round() == 1
    offer = await world.offer_of(returnee)
    declined = datetime.now(UTC)
    await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "full"}, headers=world.partner(shelter))
    assert len(await world.rows(mine, shelter.service_id, True)) == 1
    assert await world.round() == 0
    assert (await world.referral_of(returnee))["status"] == "waitlisted"

    async def doubted() -> Any:
        view = (await directory.get(path)).json()
        return view if view["refresh_requested_at"] is not None else None

    view = await until(doubted)
    assert view["trust"] < 1.0
    assert datetime.fromisoformat(view["said_full_at"]) >= declined
    asked = "SELECT 1 FROM outbox_sent WHERE type = 'capacity.refresh-requested.v1' AND key = $1"
    await until(lambda: directory.fetch(asked, str(shelter.service_id)))
    assert await world.round() == 0, "only a declaration opens it"

    anew = await directory.a_declaration(shelter.service_id, pool | {"available": 1})
    assert (anew["said_full_at"], anew["refresh_requested_at"]) == (None, None)
    await until(lambda: world.rows(mine, shelter.service_id, False))
    assert await world.round() == 1
    assert (await world.referral_of(returnee))["status"] == "offered"
    assert await world.promises() == {}
