"""Registration of the floor: for each arrival, it writes a returnee, a key, an audit entry, needs and events."""

import json
import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from bench.floor.stage import Handle, Outgoing, Record, Rows

TOPIC = "enlace.registration"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def handler(keys: "asyncpg.Pool[Any]") -> Handle:
    """The handler of arrivals; `keys` are connections to the database of keys."""

    async def handle(rows: Rows, records: Sequence[Record]) -> list[Outgoing]:
        now = datetime.now(UTC)
        people = [(uuid.uuid4(), data) for _, data in records]
        async with keys.acquire() as connection:
            await _insert_keys(Rows(connection), [person for person, _ in people], now)
        await _insert_people(rows, people, now)
        needs = [(uuid.uuid4(), person, need) for person, data in people for need in data["needs"]]
        await _insert_needs(rows, needs, now)
        return [*map(_registered, people), *(_reported(*need, now) for need in needs)]

    return handle


async def _insert_keys(rows: Rows, people: list[uuid.UUID], now: datetime) -> None:
    count = len(people)
    await rows.insert(
        "data_key",
        {
            "subject_id": people,
            "kind": ["person"] * count,
            "wrapped": [os.urandom(60) for _ in people],
            "master_key_id": ["floor"] * count,
            "created_at": [now] * count,
        },
    )


async def _insert_people(rows: Rows, people: list[tuple[uuid.UUID, dict[str, Any]]], now: datetime) -> None:
    await rows.connection.execute(
        """
        INSERT INTO returnee (id, case_code, version, arrival_key, source, reception_place, arrived_at, age_band, sex,
            nationality, identity_document, documents_held, languages, destination, access_needs, protection_flags,
            avoid_places, avoid_organizations, given_names_sealed, family_names_sealed, birth_date_sealed,
            sender_reference_sealed, search_index, traceparent, registered_at)
        SELECT id, code, 1, sealed, 'floor', NULL, arrived_at, '25_34', sex, 'GT', 'lost_on_route', '{}', '{spa}',
            destination, '{}', '{}', '{}', '{}', sealed, sealed, sealed, sealed, '{1,2,3,4,5}', $6, $5
        FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $7::text[], $8::timestamptz[])
            AS p (id, code, sealed, sex, destination, arrived_at)
        """,
        [person for person, _ in people],
        [f"GT-{person.hex[:4]}-{person.hex[4:8]}-{person.hex[8:14]}" for person, _ in people],
        [os.urandom(48) for _ in people],
        [data["profile"]["sex"] for _, data in people],
        now,
        TRACE,
        [data["profile"]["destination"] for _, data in people],
        [datetime.fromisoformat(data["arrived_at"]) for _, data in people],
    )
    await rows.connection.execute(
        """
        INSERT INTO audit_entry (at, subject_id, kind, action, who, client_id, purpose, fields, trace_id)
        SELECT $2, id, 'write', 'returnee.register', 'floor', 'floor', 'registration', '{given_names,family_names}', $3
        FROM unnest($1::uuid[]) AS p (id)
        """,
        [person for person, _ in people],
        now,
        TRACE[3:35],
    )


async def _insert_needs(rows: Rows, needs: list[tuple[uuid.UUID, uuid.UUID, dict[str, Any]]], now: datetime) -> None:
    count = len(needs)
    await rows.insert(
        "need",
        {
            "id": [need_id for need_id, _, _ in needs],
            "need_key": [os.urandom(32) for _ in needs],
            "returnee_id": [person for _, person, _ in needs],
            "category": [need["category"] for _, _, need in needs],
            "urgency": [need["urgency"] for _, _, need in needs],
            "people_count": [1] * count,
            "status": ["reported"] * count,
            "reported_at": [now] * count,
            "traceparent": [TRACE] * count,
        },
    )


def _registered(person: tuple[uuid.UUID, dict[str, Any]]) -> Outgoing:
    returnee_id, data = person
    profile = {
        "returnee_id": str(returnee_id),
        "version": 1,
        "case_code": f"GT-{returnee_id.hex[:4]}-{returnee_id.hex[4:8]}-{returnee_id.hex[8:14]}",
        "arrival_batch_id": None,
        "reception_place": None,
        "household_id": None,
        "age_band": "25_34",
        **data["profile"],
        "avoid_organizations": [],
    }
    return TOPIC, str(returnee_id), "returnee.registered.v1", json.dumps(profile).encode()


def _reported(need_id: uuid.UUID, person: uuid.UUID, need: dict[str, Any], now: datetime) -> Outgoing:
    data = {
        "returnee_id": str(person),
        "need_id": str(need_id),
        "category": need["category"],
        "urgency": need["urgency"],
        "people_count": 1,
        "household_id": None,
        "arrival_batch_id": None,
        "after_need_id": None,
        "reported_at": now.isoformat(),
    }
    return TOPIC, str(person), "need.reported.v1", json.dumps(data).encode()
