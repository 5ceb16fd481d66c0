"""Compares a round of the router in a directory of 100 services with the same round in one of 100,000.

In both, the same 20 services give what the people need where they go. The other services give other kinds, or take
people from other departments only. The rounds take turns on one server; the result is the ratio of the medians of the
wall time of a whole round: what it reads, the choice, the places, the offers and their events.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import asyncpg

from deploy.local.infra import start_postgres
from deploy.local.installation import ROOT
from deploy.local.processes import Family
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.migrations import upgrade_async
from libs.events.catalogue.consents import ConsentGrant
from libs.events.catalogue.directory import (
    Accreditation,
    Agreement,
    Eligibility,
    OfferedKind,
    OrganizationPublished,
    ProviderServicePublished,
)
from libs.events.catalogue.registration import ConsentChanged, NeedReported, ReturneeRegistered
from libs.events.codes import (
    AgeBand,
    ConsentPurpose,
    IdentityDocumentStatus,
    PublicationStatus,
    RecipientClass,
    Sex,
    Urgency,
)
from libs.events.event import Event, Received
from libs.events.messages.envelope import new_id
from services.referral.app import subscriptions
from services.referral.pack.policy import RoutingPolicy, load_policy
from services.referral.providers import actions as providers
from services.referral.router.loop import Router

PACK: Final = ROOT / "deploy" / "packs" / "guatemala"
CATEGORY, KIND, HOME = "documents", "identity_document", "GT09"
"""What everybody needs, and the department to which they go."""
RELEVANT: Final = 20
"""How many services give it there."""
PEOPLE: Final = 100
"""How many people need it in each round."""
AT_ONCE: Final = 1000
ANYBODY: Final = Eligibility(
    minimum_age=None,
    maximum_age=None,
    sexes=[],
    nationalities=[],
    households=True,
    unaccompanied_children=True,
    documents_required=[],
)
ORGANIZATIONS: Final = 50
_NAMES: Final = UUID("0b4f6d0e-6f5e-4a43-9f7c-2f1d3f6f2a11")
_POOLS: Final = """
INSERT INTO pool (pool_id, provider_service_id, kind, maximum, ceiling, available, as_of, held, taken, taken_uncounted,
    closed, listed, freed_count)
SELECT gen_random_uuid(), provider_service_id, 'appointments', 1000000, 1000000, 1000000, now(), 0, 0, 0, false, true, 1
FROM provider_service
"""


@dataclass(slots=True)
class Side:
    """A database with its router."""

    database: Database
    router: Router
    policy: RoutingPolicy


async def measure(*, small: int = 100, large: int = 100_000, rounds: int = 20) -> dict[str, Any]:
    """Run `rounds` rounds on both in turns after a warm-up; prints one line."""
    family = Family()
    try:
        with tempfile.TemporaryDirectory(prefix="enlace-bench-candidates-") as folder:
            server = await start_postgres(Path(folder), family=family)
            sides = {name: await _side(server, count) for name, count in (("small", small), ("large", large))}
            taken: dict[str, list[float]] = {name: [] for name in sides}
            for number in range(rounds + 2):
                for name in sorted(sides, reverse=bool(number % 2)):
                    await _arrive(sides[name], PEOPLE)
                    began = time.perf_counter()
                    done = await sides[name].router.place_once()
                    if number >= 2:
                        taken[name].append(1000 * (time.perf_counter() - began))
                    assert done.offered == PEOPLE, f"{done.offered} offers instead of {PEOPLE}"
            for side in sides.values():
                await side.database.close()
    finally:
        family.close()
    small_ms, large_ms = (statistics.median(taken[name]) for name in ("small", "large"))
    ratio = large_ms / small_ms
    print(
        f"candidates: a round of {PEOPLE} needs takes {small_ms:.0f} ms with {small} services and {large_ms:.0f} ms"
        f" with {large:,}, ratio {ratio:.2f}"
    )
    return {"flat": round(ratio, 2), "small_ms": round(small_ms, 1), "large_ms": round(large_ms, 1)}


async def _side(server: Any, count: int) -> Side:
    name = f"bench_{uuid4().hex}"
    connection = await asyncpg.connect(server.url())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    url: str = server.url(name)
    await upgrade_async("referral", url)
    policy = load_policy(PACK)
    database = Database(url, clock=Clock(), application_name="bench-candidates", pool_size=4)
    async with database.transaction() as session:
        await providers.keep_organizations(session, [_organization(number, policy) for number in range(ORGANIZATIONS)])
    services = _services(count, policy)
    for first in range(0, count, AT_ONCE):
        async with database.transaction() as session:
            await providers.keep_services(session, services[first : first + AT_ONCE])
    connection = await asyncpg.connect(url)
    await connection.execute(_POOLS, timeout=600)
    await connection.execute("VACUUM ANALYZE", timeout=600)
    await connection.close()
    return Side(database, Router(database, policy, dsn=url), policy)


def _organization(number: int, policy: RoutingPolicy) -> OrganizationPublished:
    until = date.max
    return OrganizationPublished(
        organization_id=uuid5(_NAMES, f"organization/{number}"),
        version=1,
        status=PublicationStatus.ACTIVE,
        accreditations=[Accreditation(category=one, valid_until=until) for one in policy.categories],
        agreements=[Agreement(category=one, valid_until=until) for one in policy.categories],
    )


def _services(count: int, policy: RoutingPolicy) -> list[ProviderServicePublished]:
    kinds = policy.taxonomy.kinds
    taken = {KIND, *(code for code, one in kinds.items() if KIND in one.instead_of)}
    others = [(one.category, code, None) for code, one in kinds.items() if code not in taken]
    # Every third of the others gives the same, to people of another department.
    elsewhere = [(CATEGORY, KIND, place) for place in policy.places if place != HOME]
    mixed = [one for pair in zip(others, cycle(elsewhere)) for one in pair]
    told = [(CATEGORY, KIND, HOME)] * RELEVANT + [*islice(cycle(mixed), count - RELEVANT)]
    return [_service(number, *one) for number, one in enumerate(told)]


def _service(number: int, category: str, kind: str, area: str | None) -> ProviderServicePublished:
    return ProviderServicePublished(
        provider_service_id=uuid5(_NAMES, f"service/{number}"),
        organization_id=uuid5(_NAMES, f"organization/{number % ORGANIZATIONS}"),
        version=1,
        status=PublicationStatus.ACTIVE,
        category=category,
        service_type="service",
        restricted=False,
        place=area or HOME,
        on_site_at=None,
        catchment=[] if area is None else [area],
        eligibility=ANYBODY,
        languages=["spa"],
        language_must_match=False,
        access=[],
        openings=[],
        timezone="America/Guatemala",
        accepts_automatically=False,
        max_stay_hours=None,
        kinds=[OfferedKind(kind=kind)],
    )


async def _arrive(side: Side, count: int) -> None:
    """So many people who need the same, as registration tells of them."""
    listening = subscriptions(side.policy)
    people = [uuid4() for _ in range(count)]
    for made in (_registered, _consent, _need):
        events = [made(one) for one in people]
        batch = [
            Received(event=one, id=new_id(), source="urn:bench", time=datetime.now(UTC), key=one.key) for one in events
        ]
        found = listening.find(events[0].topic, events[0].type)
        assert found is not None
        async with side.database.transaction() as session:
            for before in listening.before:
                await before(session, batch)
            await found[0].call(session, batch)


def _registered(returnee_id: UUID) -> Event:
    return ReturneeRegistered(
        returnee_id=returnee_id,
        version=1,
        case_code=f"EN-{returnee_id.hex[-8:-4].upper()}-{returnee_id.hex[-4:].upper()}",
        arrival_batch_id=None,
        reception_place="GT01",
        household_id=None,
        age_band=AgeBand.FROM_25_TO_34,
        sex=Sex.MALE,
        nationality="GT",
        identity_document=IdentityDocumentStatus.NEVER_APPLIED,
        documents_held=[],
        languages=["spa"],
        destination=HOME,
        access_needs=[],
        protection_flags=[],
        avoid_places=[],
        avoid_organizations=[],
    )


def _consent(returnee_id: UUID) -> Event:
    until = datetime.now(UTC) + timedelta(days=365)
    grant = ConsentGrant(purpose=ConsentPurpose.REFERRAL, recipient_class=RecipientClass.PROVIDERS, expires_at=until)
    return ConsentChanged(returnee_id=returnee_id, version=1, grants=[grant])


def _need(returnee_id: UUID) -> Event:
    return NeedReported(
        returnee_id=returnee_id,
        need_id=uuid4(),
        category=CATEGORY,
        kind=KIND,
        urgency=Urgency.URGENT,
        people_count=1,
        household_id=None,
        arrival_batch_id=None,
        after_need_id=None,
        reported_at=datetime.now(UTC),
    )
