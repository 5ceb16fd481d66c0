"""Referral of the floor: for each need, it writes a referral and an offer that holds a place.

It does not choose a provider; the services of a category take turns.
"""

import itertools
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.floor.stage import Handle, Outgoing, Record, Rows

TOPIC = "enlace.referral"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
RANKS = {"emergency": 0, "urgent": 1, "normal": 2}

Service = tuple[uuid.UUID, uuid.UUID, uuid.UUID, str]
"""Provider service, organisation, pool, service type."""


def handler(services: dict[str, list[Service]]) -> Handle:
    """The handler of registration's events; `services` lists the services of each category, which take turns."""
    turns = {category: itertools.cycle(listed) for category, listed in services.items()}

    async def handle(rows: Rows, records: Sequence[Record]) -> list[Outgoing]:
        now = datetime.now(UTC)
        await _insert_journeys(rows, [data for type_, data in records if type_ == "returnee.registered.v1"], now)
        told = [data for type_, data in records if type_ == "need.reported.v1"]
        if not told:
            return []
        work = [(uuid.uuid4(), uuid.uuid4(), data, next(turns[data["category"]])) for data in told]
        await _insert_needs(rows, work, now)
        await _insert_referrals(rows, work, now)
        await _insert_offers(rows, work, now)
        await _hold_places(rows, work, now)
        await _insert_timers_and_steps(rows, work, now)
        return [*(_opened(*one, now) for one in work), *(_made(*one, now) for one in work)]

    return handle


async def _insert_journeys(rows: Rows, profiles: list[dict[str, Any]], now: datetime) -> None:
    if not profiles:
        return
    await rows.insert(
        "journey",
        {
            "returnee_id": [uuid.UUID(profile["returnee_id"]) for profile in profiles],
            "case_code": [profile["case_code"] for profile in profiles],
            "profile": [json.dumps(profile) for profile in profiles],
            "profile_version": [1] * len(profiles),
            "consent_version": [0] * len(profiles),
            "first_seen_at": [now] * len(profiles),
            "traceparent": [TRACE] * len(profiles),
        },
    )


Work = list[tuple[uuid.UUID, uuid.UUID, dict[str, Any], Service]]


async def _insert_needs(rows: Rows, work: Work, now: datetime) -> None:
    count = len(work)
    await rows.insert(
        "need",
        {
            "need_id": [uuid.UUID(data["need_id"]) for _, _, data, _ in work],
            "returnee_id": [uuid.UUID(data["returnee_id"]) for _, _, data, _ in work],
            "category": [data["category"] for _, _, data, _ in work],
            "urgency": [data["urgency"] for _, _, data, _ in work],
            "people_count": [1] * count,
            "restricted": [False] * count,
            "status": ["open"] * count,
            "reported_at": [now] * count,
            "traceparent": [TRACE] * count,
        },
    )


async def _insert_referrals(rows: Rows, work: Work, now: datetime) -> None:
    count = len(work)
    await rows.insert(
        "referral",
        {
            "referral_id": [referral_id for referral_id, _, _, _ in work],
            "need_id": [uuid.UUID(data["need_id"]) for _, _, data, _ in work],
            "returnee_id": [uuid.UUID(data["returnee_id"]) for _, _, data, _ in work],
            "category": [data["category"] for _, _, data, _ in work],
            "urgency": [data["urgency"] for _, _, data, _ in work],
            "urgency_rank": [RANKS[data["urgency"]] for _, _, data, _ in work],
            "people_count": [1] * count,
            "restricted": [False] * count,
            "status": ["offered"] * count,
            "waiting_since": [now] * count,
            "tried_supply": [-1] * count,
            "missed_count": [0] * count,
            "offer_id": [offer_id for _, offer_id, _, _ in work],
            "opened_at": [now] * count,
            "traceparent": [TRACE] * count,
        },
    )


async def _insert_offers(rows: Rows, work: Work, now: datetime) -> None:
    count = len(work)
    await rows.insert(
        "offer",
        {
            "offer_id": [offer_id for _, offer_id, _, _ in work],
            "referral_id": [referral_id for referral_id, _, _, _ in work],
            "need_id": [uuid.UUID(data["need_id"]) for _, _, data, _ in work],
            "returnee_id": [uuid.UUID(data["returnee_id"]) for _, _, data, _ in work],
            "organization_id": [service[1] for _, _, _, service in work],
            "provider_service_id": [service[0] for _, _, _, service in work],
            "pool_id": [service[2] for _, _, _, service in work],
            "case_code": ["GT-0000-0000"] * count,
            "category": [data["category"] for _, _, data, _ in work],
            "service_type": [service[3] for _, _, _, service in work],
            "urgency": [data["urgency"] for _, _, data, _ in work],
            "people_count": [1] * count,
            "restricted": [False] * count,
            "status": ["pending"] * count,
            "made_at": [now] * count,
            "answer_by": [now + timedelta(hours=1)] * count,
            "explanation": [json.dumps(EXPLANATION)] * count,
            "traceparent": [TRACE] * count,
        },
    )


EXPLANATION = {
    "policy": "floor",
    "ranked": [{"provider_service_id": str(uuid.UUID(int=1)), "score": 0.5, "parts": {"distance": 0.5}}] * 4,
    "excluded": [{"provider_service_id": str(uuid.UUID(int=1)), "reasons": ["catchment"]}] * 4,
}


async def _hold_places(rows: Rows, work: Work, now: datetime) -> None:
    count = len(work)
    await rows.insert(
        "place_hold",
        {
            "offer_id": [offer_id for _, offer_id, _, _ in work],
            "pool_id": [service[2] for _, _, _, service in work],
            "place_count": [1] * count,
            "status": ["held"] * count,
            "held_at": [now] * count,
            "traceparent": [TRACE] * count,
        },
    )
    await rows.connection.execute(
        """
        UPDATE pool SET held = pool.held + asked.count
        FROM (SELECT pool_id, count(*) AS count FROM unnest($1::uuid[]) AS a (pool_id) GROUP BY pool_id) AS asked
        WHERE pool.pool_id = asked.pool_id
        """,
        [service[2] for _, _, _, service in work],
    )


async def _insert_timers_and_steps(rows: Rows, work: Work, now: datetime) -> None:
    for kind in ("offer_reminder", "offer_expiry"):
        await rows.insert(
            "timer",
            {
                "subject_id": [offer_id for _, offer_id, _, _ in work],
                "kind": [kind] * len(work),
                "nth": [0] * len(work),
                "returnee_id": [uuid.UUID(data["returnee_id"]) for _, _, data, _ in work],
                "due_at": [now + timedelta(hours=1)] * len(work),
                "traceparent": [TRACE] * len(work),
            },
        )
    for step, led_to in (("referral.open", "seeking"), ("referral.offer", "offered"), ("offer.make", "pending")):
        await rows.insert(
            "step",
            {
                "at": [now] * len(work),
                "returnee_id": [uuid.UUID(data["returnee_id"]) for _, _, data, _ in work],
                "need_id": [uuid.UUID(data["need_id"]) for _, _, data, _ in work],
                "referral_id": [referral_id for referral_id, _, _, _ in work],
                "step": [step] * len(work),
                "led_to": [led_to] * len(work),
                "actor": ["floor"] * len(work),
                "traceparent": [TRACE] * len(work),
            },
        )


def _common(referral_id: uuid.UUID, data: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "returnee_id": data["returnee_id"],
        "case_code": "GT-0000-0000",
        "need_id": data["need_id"],
        "category": data["category"],
        "at": now.isoformat(),
        "referral_id": str(referral_id),
        "urgency": data["urgency"],
        "people_count": 1,
    }


def _opened(referral_id: uuid.UUID, _: uuid.UUID, data: dict[str, Any], __: Service, now: datetime) -> Outgoing:
    return TOPIC, data["returnee_id"], "referral.opened.v1", json.dumps(_common(referral_id, data, now)).encode()


def _made(
    referral_id: uuid.UUID, offer_id: uuid.UUID, data: dict[str, Any], service: Service, now: datetime
) -> Outgoing:
    event = {
        **_common(referral_id, data, now),
        "offer_id": str(offer_id),
        "organization_id": str(service[1]),
        "provider_service_id": str(service[0]),
        "service_type": service[3],
        "restricted": False,
        "answer_by": (now + timedelta(hours=1)).isoformat(),
    }
    return TOPIC, data["returnee_id"], "offer.made.v1", json.dumps(event).encode()
