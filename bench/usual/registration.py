"""Registration of the usual stack: for each arrival, it writes the same rows and events as that of the floor."""

import os
import uuid
from datetime import UTC, datetime
from typing import Any

from faststream import FastStream
from faststream.kafka.annotations import KafkaMessage

from bench.usual.messages import Arrived, Registered, Reported
from bench.usual.messages import Need as Told
from bench.usual.stage import TRACE, Stage, application, event, is_type, once, sessions_of, subscriber
from bench.usual.tables import Need, Outbox, Returnee
from services.registration.audit.tables import AuditEntry
from services.registration.vault.tables import DataKeyRow

LISTENS_TO = "enlace.arrivals"
TOPIC = "enlace.registration"


def build(stage: Stage, *, keys_url: str) -> FastStream:
    """The service; `keys_url` is the URL of the database of keys."""
    keys = sessions_of(stage, keys_url)
    subscribed = subscriber(stage, LISTENS_TO)

    @subscribed(filter=is_type("returnee.arrived.v1"))
    async def register(arrival: Arrived, message: KafkaMessage) -> None:
        person, now = uuid.uuid4(), datetime.now(UTC)
        async with keys() as session, session.begin():
            session.add(_key(person, now))
        async with once(stage, message) as session:
            returnee = _returnee(person, arrival, now)
            events = [_registered(returnee, arrival), *map(_reported, returnee.needs)]
            session.add_all([returnee, _audit(person, now), *events])

    @subscribed()
    async def ignore() -> None:
        """Other events of this topic are not for this service."""

    return application(stage)


def _key(person: uuid.UUID, now: datetime) -> DataKeyRow:
    return DataKeyRow(subject_id=person, kind="person", wrapped=os.urandom(60), master_key_id="usual", created_at=now)


def _returnee(person: uuid.UUID, arrival: Arrived, now: datetime) -> Returnee:
    profile = arrival.profile
    return Returnee(
        id=person,
        case_code=f"GT-{person.hex[:4]}-{person.hex[4:8]}-{person.hex[8:14]}",
        arrival_key=os.urandom(48),
        source="usual",
        arrived_at=arrival.arrived_at,
        age_band="25_34",
        sex=profile.sex,
        nationality=profile.nationality,
        identity_document=profile.identity_document,
        languages=profile.languages,
        destination=profile.destination,
        given_names_sealed=os.urandom(48),
        family_names_sealed=os.urandom(48),
        birth_date_sealed=os.urandom(48),
        sender_reference_sealed=os.urandom(48),
        search_index=[1, 2, 3, 4, 5],
        traceparent=TRACE,
        registered_at=now,
        needs=[_need(person, told, now) for told in arrival.needs],
    )


def _audit(person: uuid.UUID, now: datetime) -> AuditEntry:
    given: dict[str, Any] = {
        "at": now,
        "subject_id": person,
        "kind": "write",
        "action": "returnee.register",
        "who": "usual",
        "client_id": "usual",
        "purpose": "registration",
        "fields": ["given_names", "family_names"],
        "trace_id": TRACE[3:35],
    }
    return AuditEntry(**given)  # The database sets the id and the transaction.


def _need(person: uuid.UUID, told: Told, now: datetime) -> Need:
    return Need(
        id=uuid.uuid4(),
        need_key=os.urandom(32),
        returnee_id=person,
        category=told.category,
        urgency=told.urgency,
        reported_at=now,
        traceparent=TRACE,
    )


def _registered(returnee: Returnee, arrival: Arrived) -> Outbox:
    body = Registered(
        **arrival.profile.model_dump(),
        returnee_id=returnee.id,
        version=1,
        case_code=returnee.case_code,
        age_band=returnee.age_band,
    )
    return event(TOPIC, returnee.id, "returnee.registered.v1", body)


def _reported(need: Need) -> Outbox:
    body = Reported(
        returnee_id=need.returnee_id,
        need_id=need.id,
        category=need.category,
        urgency=need.urgency,
        people_count=1,
        reported_at=need.reported_at,
    )
    return event(TOPIC, need.returnee_id, "need.reported.v1", body)
