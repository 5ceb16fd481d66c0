"""Reads the evidence of a run from every database and from Kafka, past the proxies, while the services stand still."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.walls import WORKS_FOR
from libs.events.catalogue import CATALOGUE
from libs.events.handling.keyed import kept_name
from libs.events.subscriptions import Subscriptions
from libs.events.topics import TOPICS
from services.notifications.inbox import subscribers as notifications_inbox
from services.provider_directory.capacity import subscribers as directory_capacity
from services.referral.access import Rights
from services.referral.app import subscriptions as referral_subscriptions
from services.referral.promises.queries import invariants
from services.registration.app import subscriptions_of as registration_subscriptions
from services.registration.pack import load_pack
from services.registration.vault.sealing import MasterKey
from tests.chaos.evidence import (
    Declaration,
    Delivery,
    Evidence,
    Hold,
    Logged,
    Need,
    Offer,
    Person,
    Pool,
    Referral,
    Sent,
)
from tests.chaos.history import History
from tests.chaos.stage import SERVICE_NAMES, Stage

OUTBOX: Final = """
    SELECT id, event_id::text, topic, key, type, payload FROM outbox_sent
    UNION ALL SELECT id, event_id::text, topic, key, type, payload FROM outbox ORDER BY id
"""
SUBJECTS: Final = {
    "offer": "offer_id",
    "referral": "referral_id",
    "need": "need_id",
    "delivery": "delivery_id",
    "stay": "referral_id",
}
"""By the first part of a type: the field that says what the event is about; else it is the key."""
STEPS_OF_REFERRALS: Final = frozenset({"offer.halted.v1", "offer.upheld.v1"})
"""Events about an offer whose step in the record is one of its referral."""
VERSIONED: Final = frozenset({"capacity.declared.v1", "provider-service.published.v1", "organization.published.v1"})


def subject_of(kind: str, key: str, body: dict[str, Any]) -> str:
    """What an event is about (pure)."""
    if kind in VERSIONED:
        return f"{key}@{body['version']}"
    if kind in STEPS_OF_REFERRALS:
        return str(body["referral_id"])
    return str(body[SUBJECTS[kind.split(".")[0]]]) if kind.split(".")[0] in SUBJECTS else key


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """A connection that sees one state of the database."""
    connection = await asyncpg.connect(url, statement_cache_size=0, server_settings={WORKS_FOR: "service"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()


async def read_evidence(stage: Stage, history: History) -> Evidence:
    """All of it."""
    evidence = Evidence(history=history, received=list(stage.receivers.log))
    evidence.restarts = {name: part.restarts for name, part in stage.system.parts.items()}
    evidence.arrival_keys = _arrival_keys(stage, history)
    for name in SERVICE_NAMES:
        async with connected(stage.database(name)) as connection:
            evidence.outboxes[name] = [_sent(row) for row in await connection.fetch(OUTBOX)]
            await _read_inbox(connection, name, evidence)
            await _READERS[name](connection, stage, evidence)
    evidence.handled_types = handled_types(stage)
    evidence.promises = await _promises(stage)
    async for topic, records in _logs(stage.kafka_direct):
        evidence.logs[topic] = records
    _name_arrivals(stage, evidence)
    return evidence


def _name_arrivals(stage: Stage, evidence: Evidence) -> None:
    """Give ids of arrivals back to registration's inbox, which keeps a digest of each."""
    topic, digest = TOPICS["enlace.arrivals"], _vault_key(stage).digest_of
    records = evidence.logs.get(topic.name, ())
    told = {(one.source, kept_name(topic, one.event_id, digest)): (one.source, one.event_id) for one in records}
    inbox = evidence.inboxes.get("registration", set())
    evidence.inboxes["registration"] = {told.get(name, name) for name in inbox}


def _vault_key(stage: Stage) -> MasterKey:
    return MasterKey.from_base64(stage.system.installation.keyring.get("vault"))


def handled_types(stage: Stage) -> dict[str, frozenset[tuple[str, str]]]:
    """By group: topics and types that the services listen to, as they say themselves."""
    nobody: Any = None
    notifications = Subscriptions(group="notifications")
    notifications_inbox.subscribe(notifications)
    pack = load_pack(stage.system.installation.pack)
    groups = (
        registration_subscriptions(vault=nobody, pack=pack),
        referral_subscriptions(nobody),
        directory_capacity.subscriptions,
        notifications,
    )
    return {
        one.group: frozenset((topic, kind) for topic, kind in CATALOGUE if one.handles(topic, kind.encode()))
        for one in groups
    }


def _arrival_keys(stage: Stage, history: History) -> dict[tuple[str, str], str]:
    master = _vault_key(stage)
    return {
        (one.source, one.reference): master.blind("arrival", one.source, one.reference).hex()
        for one in history.arrivals
    }


def told_to(kind: str, body: dict[str, Any]) -> str | None:
    """The organisation that must be notified of an event (pure). What is upheld by the rules alone, nobody is told."""
    if kind == "offer.upheld.v1" and not body["by_desk"]:
        return None
    return body.get("organization_id")


def _sent(row: Any) -> Sent:
    body = json.loads(row["payload"])
    return Sent(
        row["id"],
        row["event_id"],
        row["topic"],
        row["key"],
        row["type"],
        subject_of(row["type"], row["key"], body),
        told_to(row["type"], body),
    )


async def _read_inbox(connection: Any, name: str, evidence: Evidence) -> None:
    for row in await connection.fetch("SELECT consumer_group, source, event_id FROM inbox"):
        evidence.inboxes.setdefault(row["consumer_group"], set()).add((row["source"], row["event_id"]))
    evidence.parked[name] = await connection.fetchval("SELECT count(*) FROM parked")


async def _read_registration(connection: Any, stage: Stage, evidence: Evidence) -> None:
    # Of who is erased only the list of the erased knows by which arrival they came, and that for some weeks.
    people = await connection.fetch(
        "SELECT r.id::text, coalesce(r.arrival_key, e.arrival_key) AS arrival_key, r.erased_at IS NOT NULL AS erased"
        " FROM returnee r LEFT JOIN erasure e ON e.returnee_id = r.id"
    )
    evidence.people = [Person(row["id"], row["arrival_key"].hex(), row["erased"]) for row in people]
    needs = await connection.fetch("SELECT id::text, returnee_id::text, status FROM need")
    evidence.told_needs = [Need(*row) for row in needs]
    repeats = await connection.fetch(
        "SELECT need.id::text, returnee_id::text, status FROM need_repeat JOIN need ON need.id = need_repeat.need_id"
    )
    evidence.repeats = [Need(*row) for row in repeats]


async def _read_referral(connection: Any, stage: Stage, evidence: Evidence) -> None:
    journeys = await connection.fetch(
        "SELECT returnee_id::text, CASE WHEN erased_at IS NOT NULL THEN 'erased'"
        " WHEN case_code IS NULL THEN 'unknown' ELSE 'known' END FROM journey"
    )
    evidence.journeys = {row[0]: row[1] for row in journeys}
    evidence.needs = [
        Need(*row) for row in await connection.fetch("SELECT need_id::text, returnee_id::text, status FROM need")
    ]
    evidence.referrals = [
        Referral(*row)
        for row in await connection.fetch("SELECT referral_id::text, need_id::text, ended_at IS NULL FROM referral")
    ]
    offers = "SELECT offer_id::text, referral_id::text, need_id::text, status, acknowledged_at IS NOT NULL FROM offer"
    evidence.offers = [Offer(*row) for row in await connection.fetch(offers)]
    steps = await connection.fetch(
        "SELECT step, CASE split_part(step, '.', 1) WHEN 'offer' THEN offer_id WHEN 'referral' THEN referral_id"
        " ELSE need_id END::text FROM step ORDER BY step_id"
    )
    evidence.steps = [(row[0], row[1]) for row in steps]
    holds = await connection.fetch(
        "SELECT offer_id::text, pool_id::text, place_count, status, declared_as_of, held_freed_count,"
        " released_freed_count FROM place_hold"
    )
    evidence.holds = [Hold(row[0], row[1], row[2], row[3], _moment(row[4]), row[5], row[6]) for row in holds]
    pools = await connection.fetch("SELECT pool_id::text, provider_service_id::text, held, taken FROM pool")
    evidence.pools = [Pool(*row) for row in pools]
    heard = await connection.fetch("SELECT provider_service_id::text, version FROM capacity")
    evidence.ledger_versions = {row[0]: row[1] for row in heard}


async def _read_directory(connection: Any, stage: Stage, evidence: Evidence) -> None:
    rows = await connection.fetch("SELECT service_id::text, version, as_of, pools FROM capacity_declaration")
    evidence.declarations = [
        Declaration(row[0], row[1], str(_moment(row[2])), {pool["id"]: pool["maximum"] for pool in json.loads(row[3])})
        for row in rows
    ]


async def _read_notifications(connection: Any, stage: Stage, evidence: Evidence) -> None:
    slugs = {str(one.id): one.slug for one in stage.directory.organizations}
    endpoints = await connection.fetch("SELECT organization_id::text, id::text FROM endpoint WHERE status = 'enabled'")
    evidence.endpoints = {row[0]: row[1] for row in endpoints}
    notices = await connection.fetch("SELECT message_id::text, organization_id::text FROM notification")
    evidence.notices = {row[0]: row[1] for row in notices}
    rows = await connection.fetch(
        "SELECT id::text, message_id::text, endpoint_id::text, organization_id::text, status FROM delivery"
    )
    evidence.deliveries = [Delivery(row[0], row[1], row[2], slugs.get(row[3], row[3]), row[4]) for row in rows]


_READERS = {
    "registration": _read_registration,
    "referral": _read_referral,
    "provider_directory": _read_directory,
    "notifications": _read_notifications,
}


def _moment(value: Any) -> str | None:
    return None if value is None else str(value.isoformat())


async def _promises(stage: Stage) -> dict[str, int]:
    """Referral's own queries; of its clocks nothing is asked, they stand still with it."""
    database = Database(stage.database("referral"), clock=Clock(), application_name="chaos", pool_size=1)
    try:
        async with database.transaction() as session:
            found = await invariants(session, Rights(None, restricted=True), late_after=timedelta(days=3650))
    finally:
        await database.close()
    return {one.name: one.violations for one in found.promises if one.name != "no_clock_is_overdue"}


async def _logs(bootstrap_servers: str) -> AsyncIterator[tuple[str, list[Logged]]]:
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        for topic, declared in TOPICS.items():
            partitions = [TopicPartition(topic, number) for number in range(declared.partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            yield topic, await _read_log(consumer, ends)
    finally:
        await consumer.stop()


async def _read_log(consumer: Any, ends: dict[TopicPartition, int]) -> list[Logged]:
    records: list[Logged] = []
    while any([await consumer.position(partition) < end for partition, end in ends.items()]):
        for partition, fetched in (await consumer.getmany(timeout_ms=500)).items():
            records += [_logged(partition.partition, record) for record in fetched]
    return sorted(records, key=lambda one: (one.partition, one.offset))


def _logged(partition: int, record: Any) -> Logged:
    headers = {name: value.decode() for name, value in record.headers}
    key = (record.key or b"").decode()
    return Logged(partition, record.offset, key, headers["ce_id"], headers["ce_source"], headers["ce_type"])
