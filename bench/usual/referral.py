"""Referral of the usual stack: for each need, it writes a referral and an offer that holds a place.

It does not choose a provider; the services of a category take turns.
"""

import itertools
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from faststream import FastStream
from faststream.kafka.annotations import KafkaMessage
from sqlalchemy import update
from sqlmodel import SQLModel, col, select

from bench.usual.messages import Made, Opened, Registered, Reported
from bench.usual.stage import TRACE, Sessions, Stage, application, event, is_type, once, subscriber
from bench.usual.tables import Outbox
from services.referral.clocks.rules import TimerKind
from services.referral.clocks.tables import TimerRow
from services.referral.journeys.tables.journeys import JourneyRow, NeedRow, OfferRow, ReferralRow, StepRow
from services.referral.places.tables import PlaceHoldRow, PoolRow
from services.referral.providers.tables import ProviderServiceRow

LISTENS_TO = "enlace.registration"
TOPIC = "enlace.referral"
RANKS = {"emergency": 0, "urgent": 1, "normal": 2}
CASE_CODE = "GT-0000-0000"
STEPS = (("referral.open", "seeking"), ("referral.offer", "offered"), ("offer.make", "pending"))
EXPLANATION: dict[str, Any] = {
    "policy": "usual",
    "ranked": [{"provider_service_id": str(uuid.UUID(int=1)), "score": 0.5, "parts": {"distance": 0.5}}] * 4,
    "excluded": [{"provider_service_id": str(uuid.UUID(int=1)), "reasons": ["catchment"]}] * 4,
}

Turns = dict[str, Iterator[tuple[ProviderServiceRow, PoolRow]]]
"""For each category, an endless iterator over its services, each with one of its pools."""


def build(stage: Stage, turns: Turns) -> FastStream:
    """The service; `turns` gives the provider service for the next offer of a category."""
    subscribed = subscriber(stage, LISTENS_TO)

    @subscribed(filter=is_type("returnee.registered.v1"))
    async def keep_profile(profile: Registered, message: KafkaMessage) -> None:
        async with once(stage, message) as session:
            session.add(_journey(profile))

    @subscribed(filter=is_type("need.reported.v1"))
    async def offer(need: Reported, message: KafkaMessage) -> None:
        service, pool = next(turns[need.category])
        async with once(stage, message) as session:
            await session.exec(
                update(PoolRow).where(col(PoolRow.pool_id) == pool.pool_id).values(held=PoolRow.held + 1)
            )
            session.add_all(_rows(need, service, pool, datetime.now(UTC)))

    @subscribed()
    async def ignore() -> None:
        """Other events of this topic are not for this service."""

    return application(stage)


async def turns_of(sessions: Sessions) -> Turns:
    """The services and pools that the directory has declared; they are read once, at the start."""
    found: dict[str, list[tuple[ProviderServiceRow, PoolRow]]] = {}
    together = col(ProviderServiceRow.provider_service_id) == col(PoolRow.provider_service_id)
    async with sessions() as session:
        for service, pool in await session.exec(select(ProviderServiceRow, PoolRow).join(PoolRow, together)):
            found.setdefault(service.category, []).append((service, pool))
    return {category: itertools.cycle(listed) for category, listed in found.items()}


def _journey(profile: Registered) -> JourneyRow:
    return JourneyRow(
        returnee_id=profile.returnee_id,
        case_code=profile.case_code,
        profile=profile.model_dump(mode="json"),
        profile_version=1,
        first_seen_at=datetime.now(UTC),
        traceparent=TRACE,
    )


def _rows(told: Reported, service: ProviderServiceRow, pool: PoolRow, now: datetime) -> list[SQLModel]:
    need, referral = _need(told, now), _referral(told, now)
    offer = _offer(referral, service, pool, now)
    referral.offer_id = offer.offer_id
    timers = [_timer(offer, kind) for kind in (TimerKind.OFFER_REMINDER, TimerKind.OFFER_EXPIRY)]
    steps = [_step(referral, step, led_to, now) for step, led_to in STEPS]
    return [need, referral, offer, _hold(offer), *timers, *steps, *_events(referral, offer)]


def _need(told: Reported, now: datetime) -> NeedRow:
    return NeedRow(
        need_id=told.need_id,
        returnee_id=told.returnee_id,
        category=told.category,
        urgency=told.urgency,
        people_count=1,
        restricted=False,
        reported_at=now,
        traceparent=TRACE,
    )


def _referral(told: Reported, now: datetime) -> ReferralRow:
    return ReferralRow(
        referral_id=uuid.uuid4(),
        need_id=told.need_id,
        returnee_id=told.returnee_id,
        category=told.category,
        urgency=told.urgency,
        urgency_rank=RANKS[told.urgency],
        people_count=1,
        restricted=False,
        status="offered",
        waiting_since=now,
        opened_at=now,
        traceparent=TRACE,
    )


def _offer(referral: ReferralRow, service: ProviderServiceRow, pool: PoolRow, now: datetime) -> OfferRow:
    return OfferRow(
        offer_id=uuid.uuid4(),
        referral_id=referral.referral_id,
        need_id=referral.need_id,
        returnee_id=referral.returnee_id,
        organization_id=service.organization_id,
        provider_service_id=service.provider_service_id,
        pool_id=pool.pool_id,
        case_code=CASE_CODE,
        category=referral.category,
        service_type=service.view["service_type"],
        urgency=referral.urgency,
        people_count=1,
        restricted=False,
        made_at=now,
        answer_by=now + timedelta(hours=1),
        explanation=EXPLANATION,
        traceparent=TRACE,
    )


def _hold(offer: OfferRow) -> PlaceHoldRow:
    return PlaceHoldRow(
        offer_id=offer.offer_id, pool_id=offer.pool_id, place_count=1, held_at=offer.made_at, traceparent=TRACE
    )


def _timer(offer: OfferRow, kind: TimerKind) -> TimerRow:
    return TimerRow(
        subject_id=offer.offer_id,
        kind=kind,
        returnee_id=offer.returnee_id,
        due_at=offer.answer_by,
        traceparent=TRACE,
    )


def _step(referral: ReferralRow, step: str, led_to: str, now: datetime) -> StepRow:
    return StepRow(
        at=now,
        returnee_id=referral.returnee_id,
        need_id=referral.need_id,
        referral_id=referral.referral_id,
        step=step,
        led_to=led_to,
        actor="usual",
        traceparent=TRACE,
    )


def _events(referral: ReferralRow, offer: OfferRow) -> list[Outbox]:
    opened = Opened(
        returnee_id=referral.returnee_id,
        case_code=CASE_CODE,
        need_id=referral.need_id,
        category=referral.category,
        at=offer.made_at,
        referral_id=referral.referral_id,
        urgency=referral.urgency,
        people_count=1,
    )
    made = Made(
        **opened.model_dump(),
        offer_id=offer.offer_id,
        organization_id=offer.organization_id,
        provider_service_id=offer.provider_service_id,
        service_type=offer.service_type,
        restricted=False,
        answer_by=offer.answer_by,
    )
    key = referral.returnee_id
    return [event(TOPIC, key, "referral.opened.v1", opened), event(TOPIC, key, "offer.made.v1", made)]
