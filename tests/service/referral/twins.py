"""The same history in two databases: one where needs may be placed at once, one where only rounds place them."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from libs.events.catalogue.registration import NeedWithdrawn, ReturneeChanged
from libs.events.codes import AgeBand, Urgency
from libs.events.event import Event
from services.referral.router.actions import upkeep
from tests.service.referral import making
from tests.service.referral.consuming import Reception, reception
from tests.service.referral.world import Provider, World

BEGIN = datetime(2030, 3, 4, 18, 0, tzinfo=UTC)
SETTING: dict[str, Any] = {
    "categories": {
        "food": {"rings_km": [50, 150]},
        "mhpss": {"basic": False, "rings_km": [30]},
        "legal": {"review": True},
        "training": {"held_ahead": True},
    },
    "pacing": {"offers_per_service": 4, "per_seconds": 600},
}
CATEGORIES = (*["shelter", "food", "training"] * 4, "mhpss", "legal", "gbv")
PLACES = ("GT01", "GT12", "GT13")
_MASKED = ("referral_id", "offer_id", "event_id")
_DUMP = {
    "referrals": """SELECT need_id, category, status, ring, ready_at, tried_supply, waiting_since, opened_at, end_reason
        FROM referral ORDER BY need_id, opened_at, ended_at""",
    "offers": """SELECT need_id, provider_service_id, pool_id, status, reason, people_count, made_at, answer_by,
        offered_kind, explanation::text FROM offer ORDER BY need_id, made_at, provider_service_id""",
    "holds": """SELECT need_id, provider_service_id, place_hold.pool_id, place_count, place_hold.status, held_at
        FROM place_hold JOIN offer USING (offer_id) ORDER BY need_id, made_at, pool_id, held_at""",
    "pools": "SELECT pool_id, held, taken, taken_uncounted, closed FROM pool ORDER BY pool_id",
    "needs": "SELECT need_id, status, owner, owner_reason, owned_since FROM need ORDER BY need_id",
    "queue": "SELECT need_id, pool_ids, pool_places, queued_at FROM waitlist_entry ORDER BY need_id",
    "clocks": "SELECT returnee_id, kind, nth, due_at FROM timer ORDER BY returnee_id, kind, nth, due_at",
    "steps": "SELECT need_id, step, led_to, actor, reason, at FROM step ORDER BY need_id, step_id",
}


class Still:
    """A clock that stands still until the test lets time pass. Explanations contain how old a figure is."""

    rate = fastest = 1.0

    def __init__(self) -> None:
        self.passed = timedelta()

    def at(self, real: datetime) -> datetime:
        return BEGIN + self.passed


@dataclass
class Twin:
    """One of the two worlds."""

    world: World
    gate: Reception
    providers: list[Provider]
    at_once: int = 0
    """How many offers were made before a round."""

    async def offers(self) -> int:
        return int((await self.world.row("SELECT count(*) AS offers FROM offer"))["offers"])

    async def rounds(self) -> None:
        """Rounds until one makes no offer."""
        while await self.world.round():
            pass

    async def refresh(self) -> None:
        """Read the records of answers, as the leader does now and then. Both worlds do it at the same moments."""
        self.world.router._refreshed_at = float("inf")
        async with self.world.database.transaction() as session:
            await upkeep.refresh_records(session, self.world.router._memory)

    async def state(self) -> dict[str, Any]:
        """All that was decided, without the ids that each database makes by itself."""
        found: dict[str, Any] = {name: await self.world.rows(statement) for name, statement in _DUMP.items()}
        rows = await self.world.rows("SELECT key, type, payload FROM outbox ORDER BY key, id")
        found["events"] = [(row["key"], row["type"], _masked(row["payload"])) for row in rows]
        return found


def _masked(payload: bytes) -> dict[str, Any]:
    return {name: value for name, value in json.loads(payload).items() if name not in _MASKED}


async def twin(world: World, provided: list[tuple[Provider, dict[str, Any], int]], *, leads: bool) -> Twin:
    """This world with these providers, each with the changes of its service and its number of places."""
    world.clock = Still()  # type: ignore[assignment]
    world.database.clock = world.clock  # type: ignore[assignment]
    providers = [copy(one) for one, _, _ in provided]
    for one, (_, changes, places) in zip(providers, provided, strict=True):
        await world.hear(making.organization(one.organization_id))
        await world.hear(making.service(one.service_id, one.organization_id, **changes))
        await world.declare(one, places)
    return Twin(world, await reception(world, leads=leads), providers)


@dataclass
class History:
    """What happens, drawn once for both."""

    source: Random
    people: list[dict[str, Any]] = field(default_factory=list)
    needs: list[tuple[UUID, UUID]] = field(default_factory=list)
    """Returnee and need."""
    moments: int = 0

    def id(self) -> UUID:
        return UUID(int=self.source.getrandbits(128), version=4)

    def some_providers(self) -> list[tuple[Provider, dict[str, Any], int]]:
        found = []
        for category in dict.fromkeys(CATEGORIES):
            for _ in range(self.source.randrange(2, 5)):
                one = Provider(self.id(), self.id(), self.id())
                changes: dict[str, Any] = {
                    "category": category,
                    "restricted": category == "gbv",
                    "place": self.source.choice(PLACES),
                    "languages": self.source.choice([["spa"], ["spa", "mam"], ["quc"]]),
                    "accepts_automatically": self.source.random() < 0.1,
                    "eligibility": {
                        "maximum_age": self.source.choice([None, None, None, 24]),
                        "unaccompanied_children": self.source.random() < 0.5,
                        "households": self.source.random() < 0.8,
                    },
                }
                found.append((one, changes, self.source.choice([1, 3, 9, 30])))
        return found

    def arrival(self, providers: list[Provider]) -> list[Event]:
        """One batch: one to three people with their needs, some of a flight, some with a household."""
        events: list[Event] = []
        for _ in range(self.source.choice([1, 1, 2, 3])):
            profile: dict[str, Any] = {
                "reception_place": self.source.choice(PLACES),
                "destination": self.source.choice([None, *PLACES]),
                "age_band": self.source.choice(
                    [AgeBand.FROM_18_TO_24] * 4 + [AgeBand.FROM_25_TO_34] * 4 + [AgeBand.FROM_12_TO_17]
                ),
                "languages": self.source.choice([["spa"], ["mam"], ["quc", "spa"]]),
                "arrival_batch_id": FLIGHT if self.source.random() < 0.15 else None,
                "household_id": self.id() if self.source.random() < 0.1 else None,
            }
            if self.source.random() < 0.2:
                profile["avoid_organizations"] = [self.source.choice(providers).organization_id]
            returnee = self.id()
            self.people.append({"returnee_id": returnee, **profile})
            events += [
                making.registered(returnee, **profile),
                making.consent(returnee, to_providers=self.source.random() < 0.9),
            ]
            if profile["household_id"] is not None:
                events.append(making.household(profile["household_id"], [returnee]))
            events += [self.need(self.people[-1]) for _ in range(self.source.randrange(1, 4))]
        return events

    def need(self, person: dict[str, Any]) -> Event:
        self.moments += 1
        need_id, returnee = self.id(), person["returnee_id"]
        before = [need for told_by, need in self.needs if told_by == returnee]
        self.needs.append((returnee, need_id))
        is_of_household = person["household_id"] is not None and self.source.random() < 0.5
        moment = BEGIN - timedelta(hours=9) + timedelta(seconds=self.moments)
        if self.source.random() < 0.3:
            moment -= timedelta(hours=1)  # waits longer than others who came before
        return making.need(
            returnee,
            need_id=need_id,
            category=self.source.choice(CATEGORIES),
            urgency=self.source.choice([Urgency.EMERGENCY, Urgency.URGENT, Urgency.URGENT, Urgency.NORMAL]),
            household_id=person["household_id"] if is_of_household else None,
            arrival_batch_id=person["arrival_batch_id"],
            after_need_id=self.source.choice(before) if before and self.source.random() < 0.1 else None,
            reported_at=moment,
        )

    def telling(self) -> list[Event]:
        """Later events about somebody: a further need, a withdrawn one, or a changed profile."""
        person = self.source.choice(self.people)
        kind = self.source.choice(["need", "need", "withdrawn", "changed"])
        if kind == "need":
            return [self.need(person)]
        if kind == "withdrawn":
            returnee, need = self.source.choice(self.needs)
            return [NeedWithdrawn(returnee_id=returnee, need_id=need, withdrawn_at=BEGIN)]
        person["version"] = person.get("version", 1) + 1
        person["destination"] = self.source.choice(PLACES)
        told = making.registered(**person)
        return [ReturneeChanged(**told.model_dump(exclude={"type"})), self.need(person)]


FLIGHT = UUID("00000000-0000-4000-8000-00000000f119")
