"""Fills the tables of registration with invented people, as if each had been registered and compared before.

Everybody has a data key, an identity and a telephone number sealed with it, and the keyed hashes for search and for
matching, made by the functions of the service. The rows are made in portions by two processes and stored with COPY, so
memory does not grow with their number. Needs, consents, audit entries and events of these people are not added: a
comparison reads none of them.
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.names import Sample, sample
from libs.events.catalogue.arrivals import Identity
from services.registration.matching.queries import tokens_of
from services.registration.people.queries import index_tokens
from services.registration.people.rules import CASE_CODES, INDEX_FORM, age_of, case_code
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import DataKey, MasterKey

PORTION: Final = 5_000
WORKERS: Final = 2
COUNTRY: Final = "GT"
PLACE: Final = "GT01"
SOURCE: Final = "urn:bench:crowd"
_DAYS_BEFORE: Final = 1_095
_EVERY: Final = timedelta(seconds=90)
"""The first was registered three years ago, then one every 90 seconds: a million take less than three years."""
_STRIDE: Final = 61_803_398_877
"""It has no factor in common with the number of case codes, so everybody gets another one."""
_TIMEOUT: Final = 1_800.0
_RETURNEE: Final = (
    "id", "case_code", "version", "arrival_key", "source", "reception_place", "arrived_at", "age_band", "age_group",
    "sex", "nationality", "identity_document", "documents_held", "languages", "destination", "access_needs",
    "protection_flags", "avoid_places", "avoid_organizations", "given_names_sealed", "family_names_sealed",
    "birth_date_sealed", "sender_reference_sealed", "search_index", "index_form", "traceparent", "registered_at",
)  # fmt: skip
_CONTACT: Final = (
    "returnee_id", "version", "channel", "address_sealed", "language", "may_leave_message", "confirmed_at",
)  # fmt: skip
_DATA_KEY: Final = ("subject_id", "kind", "wrapped", "master_key_id", "created_at")
_INDEXES: Final = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
    WHERE NOT indisunique AND indrelid = ANY('{returnee, safe_contact, match_key}'::regclass[])
"""
_WITHOUT_KEY: Final = "ALTER TABLE match_key DROP CONSTRAINT match_key_pkey"
_WITH_KEY: Final = "ALTER TABLE match_key ADD CONSTRAINT match_key_pkey PRIMARY KEY (key, returnee_id)"
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The databases in which the people are stored. The URLs are of a superuser: foreign keys are not checked then."""

    url: str
    keys_url: str
    secret: bytes = field(repr=False)
    """The secret of the master key, from which other processes make the rows."""


@dataclass(slots=True)
class Rows:
    """The rows of a portion, by table."""

    people: list[Row] = field(default_factory=list)
    contacts: list[Row] = field(default_factory=list)
    keys: list[Row] = field(default_factory=list)
    tokens: list[tuple[UUID, list[int]]] = field(default_factory=list)
    """The keyed hashes of each person."""


async def fill_people(place: Place, count: int, *, at: datetime) -> None:
    """Add the people with the numbers 0 to `count` - 1, who came before `at`; then VACUUM ANALYZE."""
    async with _filling(place.url) as connection, _filling(place.keys_url) as keys:
        indexes = await connection.fetch(_INDEXES)
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await connection.execute(_WITHOUT_KEY)
        async for rows in _portions(place.secret, count, at):
            await _store(connection, keys, rows)
        await connection.execute(_WITH_KEY, timeout=_TIMEOUT)
        for index in indexes:
            await connection.execute(index["definition"], timeout=_TIMEOUT)
        for filled in (connection, keys):
            await filled.execute("VACUUM ANALYZE", timeout=_TIMEOUT)


@asynccontextmanager
async def _filling(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")  # no triggers, no checks of foreign keys
        await connection.execute("SET synchronous_commit = off")
        await connection.execute("SET maintenance_work_mem = '512MB'")
        yield connection
    finally:
        await connection.close()


async def _store(connection: Any, keys: Any, rows: Rows) -> None:
    hashes = ((token, one) for one, tokens in rows.tokens for token in tokens)
    for to, table, columns, records in (
        (keys, "data_key", _DATA_KEY, rows.keys),
        (connection, "returnee", _RETURNEE, rows.people),
        (connection, "safe_contact", _CONTACT, rows.contacts),
        (connection, "match_key", ("key", "returnee_id"), hashes),
    ):
        await to.copy_records_to_table(table, columns=columns, records=records, timeout=_TIMEOUT)


async def _portions(secret: bytes, count: int, at: datetime) -> AsyncIterator[Rows]:
    """The rows of all people. A few portions are made ahead of the one that is stored."""
    spans = [range(first, min(first + PORTION, count)) for first in range(0, count, PORTION)]
    if len(spans) <= 1:
        for span in spans:
            yield rows_of(secret, span, at)
        return
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        made: deque[asyncio.Future[Rows]] = deque()
        for span in spans:
            made.append(loop.run_in_executor(pool, rows_of, secret, span, at))
            if len(made) > WORKERS + 1:
                yield await made.popleft()
        while made:
            yield await made.popleft()


def rows_of(secret: bytes, numbers: Iterable[int], at: datetime) -> Rows:
    """The rows of the people with these numbers."""
    master, rows = MasterKey(secret), Rows()
    for number in numbers:
        _add(rows, master, number, at)
    return rows


def secret_of(text: str) -> bytes:
    """The secret in the setting `ENLACE_VAULT_KEY` of an installation that was never rotated."""
    return base64.b64decode(text, validate=True)


def registered_at(number: int, *, at: datetime) -> datetime:
    """When the person with this number came and was registered."""
    return at - timedelta(days=_DAYS_BEFORE) + number * _EVERY


def _add(rows: Rows, master: MasterKey, number: int, at: datetime) -> None:
    one, moment = sample(number), registered_at(number, at=at)
    returnee_id = master.derived_id("returnee", SOURCE, str(number), milliseconds=int(moment.timestamp() * 1000))
    key, wrapped, key_id = master.fresh_key(returnee_id)
    rows.keys.append((returnee_id, SubjectKind.PERSON.value, wrapped, key_id, moment))
    rows.people.append(_returnee(one, number, returnee_id, key, master, moment))
    if one.phone is not None:
        address = key.seal(one.phone, table="safe_contact", column="address")
        rows.contacts.append((returnee_id, 1, "sms", address, "spa", False, moment))
    rows.tokens.append((returnee_id, sorted(tokens_of(master, one.record))))


def _returnee(one: Sample, number: int, returnee_id: UUID, key: DataKey, master: MasterKey, moment: datetime) -> Row:
    identity = Identity(given_names=one.given_names, family_names=one.family_names, birth_date=one.birth_date)
    age = age_of(one.birth_date, None, on=moment.date())
    return (
        returnee_id,
        case_code(COUNTRY, number * _STRIDE % CASE_CODES),
        1,
        master.blind("arrival", SOURCE, str(number)),
        SOURCE,
        PLACE,
        moment,
        age.band.value,
        age.group.value,
        one.sex,
        COUNTRY,
        "lost_on_route",
        [],
        ["spa"],
        one.destination,
        [],
        [],
        [],
        [],
        key.seal(one.given_names, table="returnee", column="given_names"),
        key.seal(one.family_names, table="returnee", column="family_names"),
        key.seal(one.birth_date.isoformat(), table="returnee", column="birth_date"),
        key.seal(f"{SOURCE}/{number}", table="returnee", column="sender_reference"),
        index_tokens(master, identity),
        INDEX_FORM,
        None,
        moment,
    )
