"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a repeated request has one effect.

    async def add_thing(body: ThingBody, session: Session, once: OnceRequired) -> ThingView:
        thing_id = await once(session, lambda: actions.add_thing(session, body))
        return await queries.thing_view(session, thing_id)

An advisory lock protects the key: a concurrent repetition gets a 409. The key is stored in the transaction of the
effect, with the id of the result and a keyed fingerprint of method, path and body. The body itself is never stored. A
refused request stores nothing, so a repetition of it is processed again. A key is kept for 24 hours of real time and
belongs to its sender: to the client, the subject, the organisation and the reception places of the token together,
because several organisations may share a client.
"""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.auth import Caller, caller_of
from libs.chassis.database import Database, raw
from libs.chassis.errors import Conflict, InvalidInput, Refusal
from libs.chassis.settings import Role
from libs.chassis.supervisor import Loop
from libs.waiting.pauses import is_set_within

RETENTION = timedelta(hours=24)
TABLE = "idempotency_key"
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-\[\]-~]+")
_LONGEST = 255
_MEANING = "Names this request: sent again unchanged, it has one effect"
_PURGE_SECONDS = 600

_LOCK = "SELECT number FROM unnest($1::bigint[]) AS number WHERE pg_try_advisory_xact_lock(number)"
_STORED = f"""
SELECT client_id, key, fingerprint, result_id FROM {TABLE} JOIN unnest($1::text[], $2::text[]) AS asked(client_id, key)
USING (client_id, key) WHERE expires_at > statement_timestamp()
"""  # noqa: S608 (a constant)
_KEEP = f"""
INSERT INTO {TABLE} (client_id, key, fingerprint, result_id, expires_at)
SELECT *, statement_timestamp() + $5 FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[])
ON CONFLICT (client_id, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, result_id = excluded.result_id, expires_at = excluded.expires_at
"""  # noqa: S608 (a constant)


class KeyMissing(Refusal):
    """A request that creates something needs an Idempotency-Key."""

    code = "idempotency-key-missing"
    status = 400


class KeyInvalid(Refusal):
    """The Idempotency-Key does not consist of 1 to 255 printable ASCII characters, bare or as a quoted string."""

    code = "idempotency-key-invalid"
    status = 400


class InFlight(Conflict):
    """A request with this key is being processed now."""

    code = "idempotency-in-flight"
    retry_after_seconds = 1


class KeyReused(InvalidInput):
    """This key was used for a different request before."""

    code = "idempotency-key-reused"


class Once:
    """Runs the work of one request at most once per owner and key."""

    def __init__(self, request: Request, response: Response, key: str | None, body: bytes) -> None:
        self._request = request
        self._response = response
        self._key = key
        self._body = body
        self.replayed = False
        """Whether an earlier request had already done the work."""

    async def __call__(self, session: AsyncSession, create: Callable[[], Awaitable[UUID]]) -> UUID:
        """The id that `create` returns, or the id that it returned when this key was first used."""
        (before,) = await begun(session, [self])
        if isinstance(before, Refusal):
            raise before
        if before is not None:
            return before
        result_id = await create()
        await session.flush()
        await finished(session, [(self, result_id)])
        return result_id

    @property
    def named(self) -> tuple[str, str] | None:
        """The owner of the key and the key; None for a request without a key."""
        return None if self._key is None else (_owner(caller_of(self._request)), self._key)

    def replay(self, stored: bytes, result_id: UUID) -> UUID | Refusal:
        """The result of the first request with this key, if that was the same request."""
        if not hmac.compare_digest(stored, self.fingerprint()):
            return KeyReused("This Idempotency-Key was used for a different request.", pointer="Idempotency-Key")
        self.replayed = True
        self._response.headers["Idempotency-Replayed"] = "true"
        return result_id

    def fingerprint(self) -> bytes:
        """A keyed digest of the request."""
        secret = self._request.app.state.settings.fingerprint_key.get_secret_value().encode()
        query = self._request.url.query
        parts = (b"idempotency", self._request.method.encode(), self._request.url.path.encode(), query.encode())
        signed = b"".join(len(part).to_bytes(4, "big") + part for part in (*parts, self._body))
        return hmac.digest(secret, signed, "sha256")


async def begun(session: AsyncSession, asked: Sequence[Once]) -> list[UUID | Refusal | None]:
    """Lock the keys of these requests. Returns for each request its earlier result, the reason why it cannot be
    processed now, or None if it has to be processed. Requests without a key are always processed."""
    named = {nth: name for nth, one in enumerate(asked) if (name := one.named) is not None}
    if not named:
        return [None] * len(asked)
    # A transaction can take the same advisory lock repeatedly. If keys in one call are equal, only the first is locked.
    first = {_lock_number(*name): nth for nth, name in reversed(named.items())}
    connection = await raw(session)
    locked = {first[row["number"]] for row in await connection.fetch(_LOCK, list(first))}
    # Read after locking, in a separate statement, to see what a concurrent repetition has just committed.
    rows = await connection.fetch(_STORED, *_columns(named[nth] for nth in locked))
    stored = {(row["client_id"], row["key"]): (row["fingerprint"], row["result_id"]) for row in rows}

    def found(nth: int) -> UUID | Refusal | None:
        if nth not in named:
            return None
        if nth not in locked:
            return InFlight("The same request is still being processed; repeat it shortly.")
        before = stored.get(named[nth])
        return None if before is None else asked[nth].replay(*before)

    return [found(nth) for nth in range(len(asked))]


async def finished(session: AsyncSession, done: Sequence[tuple[Once, UUID]]) -> None:
    """Store the results of these requests under their keys; requests without a key are skipped."""
    keyed = [(name, one.fingerprint(), result_id) for one, result_id in done if (name := one.named) is not None]
    if keyed:
        names, fingerprints, results = zip(*keyed, strict=True)
        await (await raw(session)).execute(_KEEP, *_columns(names), fingerprints, results, RETENTION)


def _columns(names: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Clients and keys, each as a column."""
    known = list(names)
    return [client for client, _ in known], [key for _, key in known]


async def _once_required(
    request: Request,
    response: Response,
    idempotency_key: Annotated[str, Header(alias="Idempotency-Key", description=_MEANING)],
) -> Once:
    return Once(request, response, _parsed(request, idempotency_key), await request.body())


async def _once_optional(
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header(alias="Idempotency-Key", description=_MEANING)] = None,
) -> Once:
    key = None if idempotency_key is None else _parsed(request, idempotency_key)
    return Once(request, response, key, await request.body())


OnceRequired = Annotated[Once, Depends(_once_required)]
OnceOptional = Annotated[Once, Depends(_once_optional)]


def parse_key(value: str) -> str:
    """The key in a header's value: a structured field string (`"8e03…"`) or the bare text that most clients send."""
    value = value.strip()
    quoted = _QUOTED.fullmatch(value)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value
    if not (quoted or _BARE.fullmatch(value)) or not 0 < len(key) <= _LONGEST:
        raise KeyInvalid("An Idempotency-Key must have 1 to 255 printable ASCII characters.", pointer="Idempotency-Key")
    return key


def create_table(op: Any) -> None:
    """The table, for a service's first migration (`op` is Alembic's)."""
    op.execute(
        f"""CREATE TABLE {TABLE} (
            client_id text NOT NULL,
            key text NOT NULL,
            fingerprint bytea NOT NULL,
            result_id uuid NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (client_id, key))"""
    )
    op.execute(f"CREATE INDEX {TABLE}_expires_at ON {TABLE} (expires_at)")


async def purge_expired(database: Database, *, limit: int = 5_000) -> int:
    """Delete up to `limit` expired keys; returns their number."""
    async with database.transaction() as session:
        connection = await raw(session)
        if await connection.fetchval("SELECT to_regclass($1)", TABLE) is None:
            return 0
        status: str = await connection.execute(
            f"DELETE FROM {TABLE} WHERE (client_id, key) IN (SELECT client_id, key FROM {TABLE}"  # noqa: S608
            " WHERE expires_at <= statement_timestamp() LIMIT $1 FOR UPDATE SKIP LOCKED)",
            limit,
        )
        return int(status.rsplit(" ", 1)[-1])


def retention_loop(database: Database) -> Loop:
    """The loop that deletes expired keys every ten minutes of real time."""

    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            while await purge_expired(database) and not stop.is_set():
                pass
            await is_set_within(stop, _PURGE_SECONDS)

    return Loop(name="idempotency-retention", run=run, role=Role.WORKER)


def _parsed(request: Request, value: str) -> str:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise KeyInvalid("Send one Idempotency-Key.", pointer="Idempotency-Key")
    return parse_key(value)


def _owner(caller: Caller) -> str:
    """The owner of a caller's keys, as a digest in the column `client_id`. No other caller can replay them."""
    tenant = caller.tenant
    of = [caller.client_id, caller.subject, str(tenant.organization_id), *sorted(tenant.reception_places)]
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()


def _lock_number(client: str, key: str) -> int:
    digest = hashlib.blake2b(f"{len(client)}:{client}{key}".encode(), digest_size=8, person=b"idempotency").digest()
    return int.from_bytes(digest, "big", signed=True)
