"""Referral on a real database with the loops in the test's own hands: events are heard, rounds run, clocks fired."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI

from libs.chassis.database import Database, now, raw
from libs.events.codes import AgeBand
from libs.events.event import Event, Received
from libs.events.messages.envelope import new_id
from libs.events.subscriptions import Subscriptions
from services.referral.app import clockwork, subscriptions
from services.referral.pack.policy import RoutingPolicy
from services.referral.router.actions import upkeep
from services.referral.router.loop import Router
from tests.certifying import Certifying
from tests.served import IssuerForTests
from tests.service.referral import making

PARTNER = "offers:read offers:answer referrals:read referrals:write"
STAFF = (
    "offers:read offers:answer referrals:read referrals:write needs:write work-lists:read places:read reviews:decide"
    " ages:decide"
)


class ShiftedClock:
    """Real time, and as much more as the test has let pass."""

    rate = fastest = 1.0

    def __init__(self) -> None:
        self.passed = timedelta()

    def at(self, real: datetime) -> datetime:
        return real + self.passed


@dataclass
class Provider:
    """One service of one organisation with one pool, as the directory published it."""

    organization_id: UUID = field(default_factory=uuid4)
    service_id: UUID = field(default_factory=uuid4)
    pool_id: UUID = field(default_factory=uuid4)
    version: int = 1


class World:
    """A database of its own, the API over HTTP, and every loop by hand."""

    def __init__(
        self, app: FastAPI, client: httpx.AsyncClient, issuer: IssuerForTests, url: str, certifying: Certifying
    ) -> None:
        self.app, self.client, self.issuer, self.url, self.certifying = app, client, issuer, url, certifying
        self.client.event_hooks["request"].append(partial(certifying.before, self))
        self.database: Database = app.state.database
        self.policy: RoutingPolicy = app.state.policy
        self.clock = ShiftedClock()
        self.database.clock = self.clock  # type: ignore[assignment]
        self.router = Router(self.database, self.policy, dsn=url)
        self.listening: Subscriptions = subscriptions(self.policy, place=self.router.place_at_once)
        self.clockwork = clockwork(self.database, self.policy)

    # events

    async def hear(self, *events: Event, traceparent: str | None = None, source: str = "urn:test") -> None:
        """Handle these events as the consumer would: one batch in one transaction, handlers in the events' order."""
        batch = [
            Received(event=one, id=new_id(), source=source, time=making.LONG_AGO, key=one.key, traceparent=traceparent)
            for one in events
        ]
        async with self.database.transaction() as session:
            for before in self.listening.before:
                await before(session, batch)
            for one in batch:
                found = self.listening.find(one.event.topic, one.event.type)
                assert found is not None, one.event.type
                await found[0].call(session, [one])

    async def hear_together(self, *events: Event) -> None:
        """Handle these events of one type as the consumer hands them to their subscriber: all in one call."""
        batch = [
            Received(event=one, id=new_id(), source="urn:test", time=making.LONG_AGO, key=one.key, traceparent=None)
            for one in events
        ]
        async with self.database.transaction() as session:
            for before in self.listening.before:
                await before(session, batch)
            found = self.listening.find(events[0].topic, events[0].type)
            assert found is not None
            await found[0].call(session, batch)

    async def provider(
        self, places: int = 10, *, available: int | None = None, kind: str = "beds", **changes: Any
    ) -> Provider:
        """A provider of the directory with one service and one pool."""
        one = Provider(organization_id=changes.pop("organization_id", uuid4()))
        await self.hear(making.organization(one.organization_id))
        await self.hear(making.service(one.service_id, one.organization_id, **changes))
        await self.declare(one, places, available=available, kind=kind)
        return one

    async def declare(
        self,
        one: Provider,
        places: int,
        *,
        available: int | None = None,
        as_of: datetime | None = None,
        kind: str = "beds",
        **more: Any,
    ) -> None:
        """The provider declares its capacity anew; `more` is of `making.capacity`."""
        await self.hear(
            making.capacity(
                one.service_id,
                one.organization_id,
                pool_id=one.pool_id,
                maximum=places,
                available=available,
                version=one.version,
                as_of=as_of or making.LONG_AGO,
                kind=kind,
                **more,
            )
        )
        one.version += 1

    async def person(self, *needs: dict[str, Any], consented: bool = True, **profile: Any) -> UUID:
        """A returnee with these needs, as registration tells of them."""
        returnee_id = uuid4()
        await self.hear(
            making.registered(returnee_id, **profile),
            making.consent(returnee_id, to_providers=consented),
            *[making.need(returnee_id, **one) for one in needs],
        )
        return returnee_id

    async def family(
        self, size: int, *, expected: int | None = None, missing_consent: bool = False, **need: Any
    ) -> tuple[UUID, list[UUID]]:
        """A household whose first member tells the need of all; its key and its members."""
        key, members = uuid4(), [uuid4() for _ in range(size)]
        for place, member in enumerate(members):
            age = AgeBand.FROM_25_TO_34 if place == 0 else AgeBand.FROM_5_TO_11
            await self.hear(making.registered(member, household_id=key, age_band=age))
            if not (missing_consent and place == size - 1):
                await self.hear(making.consent(member))
        await self.hear(making.household(key, members, expected_size=expected or size))
        await self.hear(making.need(members[0], household_id=key, people_count=expected or size, **need))
        return key, members

    # loops

    async def round(self) -> int:
        """One round of the router; how many offers it made."""
        self.router._swept_at = float("-inf")
        return (await self.router.place_once()).offered

    async def judge_consents(self) -> None:
        """Look for consents that have run out, as the leading router does now and then."""
        async with self.database.transaction() as session:
            await upkeep.judge_consent_run_out(session, self.policy)

    async def pass_time(self, **by: float) -> None:
        """Let time pass on the installation's clock and fire every clock that has run out."""
        self.clock.passed += timedelta(**by)
        while await self.clockwork.fire_once():
            pass

    # reading

    async def by_force(self, statements: str) -> None:
        """As superuser, what the service's own login may not do."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    async def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        async with self.database.transaction() as session:
            return [dict(row) for row in await (await raw(session)).fetch(statement, *values)]

    async def database_now(self) -> datetime:
        """What the installation's clock shows."""
        async with self.database.transaction() as session:
            return now(session)

    async def row(self, statement: str, *values: object) -> dict[str, Any]:
        (only,) = await self.rows(statement, *values)
        return only

    async def published(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of events of this type that wait in the outbox, in order."""
        rows = await self.rows("SELECT payload FROM outbox WHERE type = $1 ORDER BY id", kind)
        return [json.loads(row["payload"]) for row in rows]

    async def types(self) -> list[str]:
        return [row["type"] for row in await self.rows("SELECT type FROM outbox ORDER BY id")]

    async def need_of(self, returnee_id: UUID) -> dict[str, Any]:
        return await self.row("SELECT * FROM need WHERE returnee_id = $1", returnee_id)

    async def referral_of(self, returnee_id: UUID) -> dict[str, Any]:
        """The newest referral of a returnee."""
        found = await self.rows(
            "SELECT * FROM referral WHERE returnee_id = $1 ORDER BY opened_at DESC, referral_id DESC LIMIT 1",
            returnee_id,
        )
        return found[0]

    async def offer_of(self, returnee_id: UUID) -> dict[str, Any]:
        """The newest offer of a returnee."""
        found = await self.rows(
            "SELECT * FROM offer WHERE returnee_id = $1 ORDER BY made_at DESC, offer_id DESC LIMIT 1", returnee_id
        )
        return found[0]

    async def offers_to(self, one: Provider, count: int) -> list[UUID]:
        """So many returnees come, and each is offered to this provider: the offers, oldest first."""
        for _ in range(count):
            await self.person({})
        await self.round()
        rows = await self.rows(
            "SELECT offer_id FROM offer WHERE organization_id = $1 AND status = 'pending' ORDER BY offer_id",
            one.organization_id,
        )
        assert len(rows) == count
        return [row["offer_id"] for row in rows]

    async def pool(self, one: Provider) -> dict[str, Any]:
        return await self.row("SELECT * FROM pool WHERE pool_id = $1", one.pool_id)

    async def note_of(self, step: str) -> str:
        """What a person wrote with the only step of this name."""
        found = await self.row("SELECT text FROM step JOIN note USING (note_id) WHERE step = $1", step)
        return str(found["text"])

    # callers

    def headers(self, scopes: str, *, client_id: str, **claims: Any) -> dict[str, str]:
        """What a caller of the network sends. With `restricted:read` it is certified before the next request."""
        self.certifying.expect(scopes, {"client_id": client_id} | claims)
        return self.issuer.headers(scopes, client_id=client_id, **claims)

    def staff(self, *, restricted: bool = False) -> dict[str, str]:
        return self.headers(STAFF + (" restricted:read" if restricted else ""), client_id="desk")

    def partner(self, one: Provider, *, restricted: bool = False) -> dict[str, str]:
        scopes = PARTNER + (" restricted:read" if restricted else "")
        return self.issuer.headers(
            scopes, organization_id=one.organization_id, client_id=f"partner-{one.organization_id}"
        )

    async def step(
        self, path: str, body: dict[str, Any] | None = None, *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        if headers is None and path.startswith("offers/"):
            headers = await self.asked(UUID(path.split("/")[1]))
        return await self.client.post(f"/v1/{path}", json=body, headers=headers or self.staff())

    async def asked(self, offer_id: UUID) -> dict[str, str]:
        """The organisation that an offer was made to, which alone answers it."""
        organization_id = (await self.row("SELECT * FROM offer WHERE offer_id = $1", offer_id))["organization_id"]
        return self.issuer.headers(PARTNER, organization_id=organization_id, client_id=f"partner-{organization_id}")

    async def ask(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> Any:
        answer = await self.client.get(f"/v1/{path}", params=query, headers=headers or self.staff())
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def promises(self, *, restricted: bool = True) -> dict[str, int]:
        """The promises that are broken now, with how often."""
        view = await self.ask("invariants", headers=self.staff(restricted=restricted))
        assert view["holds"] == all(one["violations"] == 0 for one in view["promises"])
        return {one["name"]: one["violations"] for one in view["promises"] if one["violations"]}
