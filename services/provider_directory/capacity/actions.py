"""The actions on capacity: a declaration, and a doubt when an answer `full` contradicts the declared figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, own_work, raw
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.time_bounds import Tolerance
from libs.events import outbox
from libs.events.catalogue.directory import CapacityDeclared, CapacityRefreshRequested, PoolDeclared
from libs.events.codes import PublicationStatus
from services.provider_directory.capacity import queries, rules
from services.provider_directory.capacity.rules import Pool
from services.provider_directory.capacity.schemas import CapacityBody, PoolBody
from services.provider_directory.capacity.tables import Capacity, CapacityDeclaration, ServiceCapacity
from services.provider_directory.errors import PoolIdTaken, StepNotAllowed
from services.provider_directory.listings import queries as listings
from services.provider_directory.listings.tables import ProviderService
from services.provider_directory.organizations.actions import Precondition
from services.provider_directory.organizations.rules import Rights
from services.provider_directory.pack import ToldTimes


async def declare_capacity(
    session: AsyncSession,
    service_id: UUID,
    body: CapacityBody,
    *,
    rights: Rights,
    declared_by: str,
    precondition: Precondition,
    times: ToldTimes,
) -> bool:
    """Replace the current declaration; return True if this is the first one of the service.

    Refused: another organisation's service (`NotFound`), a time far from our clock (`InvalidInput`) or older than the
    current one (`StaleDeclaration`), a pool of another service (`PoolIdTaken`), a withdrawn service (`StepNotAllowed`).
    """
    _require_plausible(body, times, at=now(session))
    service = await _lock_own(session, service_id, rights)
    standing = await queries.find(session, service_id, lock=True)
    precondition(standing.version if standing else None)
    as_of = rules.effective_as_of(body.as_of, now=now(session), standing=standing.as_of if standing else None)
    kept = {row.id: row for row in await queries.pools(session, service_id)}
    said = [_pool(pool) for pool in body.pools]
    if standing is not None and _says_the_same(body, said, standing, kept, as_of=as_of):
        return False
    await _require_own_pools(session, service_id, said)
    declaration = CapacityDeclaration(
        id=uuid7(),
        service_id=service_id,
        version=standing.version + 1 if standing else 1,
        as_of=as_of,
        declared_at=now(session),
        declared_by=declared_by,
        pools=[pool.model_dump(mode="json") for pool in body.pools],
        accepted_left_out=body.accepted_left_out,
    )
    _let_stand(session, standing, declaration)
    _keep_pools(session, service_id, said, kept, as_of)
    await session.flush()
    await outbox.append(session, [_declared(service, declaration, said)])
    return standing is None


def _declared_pools(kept: Mapping[UUID, ServiceCapacity]) -> list[Pool]:
    return [queries.as_pool(row) for row in kept.values() if row.declared]


async def _lock_own(session: AsyncSession, service_id: UUID, rights: Rights) -> ProviderService:
    service = await listings.find(session, service_id, lock=True)
    if service is None or not rights.sees(restricted=service.restricted):
        raise NotFound
    if not rights.may_write(service.organization_id):
        raise NotFound
    if service.status == PublicationStatus.WITHDRAWN:
        raise StepNotAllowed(state=service.status, step="declare")
    return service


def _require_plausible(body: CapacityBody, times: ToldTimes, *, at: datetime) -> None:
    told: list[tuple[str, Tolerance, date | None]] = [("/as_of", times.as_of, body.as_of)]
    for position, pool in enumerate(body.pools):
        told += [
            (f"/pools/{position}/starts_on", times.pool_days, pool.starts_on),
            (f"/pools/{position}/ends_on", times.pool_days, pool.ends_on),
        ]
    faults = [
        fault
        for pointer, tolerance, day in told
        if day is not None
        for fault in tolerance.faults(day, at=at, pointer=pointer)
    ]
    if faults:
        raise InvalidInput(errors=faults)


def _says_the_same(
    body: CapacityBody,
    said: Sequence[Pool],
    standing: Capacity,
    kept: Mapping[UUID, ServiceCapacity],
    *,
    as_of: datetime,
) -> bool:
    declared = _declared_pools(kept)
    is_counted_alike = body.accepted_left_out == standing.accepted_left_out
    return is_counted_alike and rules.says_the_same(said, declared, as_of=as_of, standing_as_of=standing.as_of)


async def _require_own_pools(session: AsyncSession, service_id: UUID, pools: Sequence[Pool]) -> None:
    async with own_work(session):  # an id may be in use in rows that the caller cannot see
        owners = await queries.owners(session, [pool.pool_id for pool in pools])
    for position, pool in enumerate(pools):
        if owners.get(pool.pool_id, service_id) != service_id:
            raise PoolIdTaken(pointer=f"/pools/{position}/id")


def _let_stand(session: AsyncSession, standing: Capacity | None, declaration: CapacityDeclaration) -> None:
    session.add(declaration)
    if standing is None:
        standing = Capacity(
            service_id=declaration.service_id,
            version=declaration.version,
            as_of=declaration.as_of,
            declared_at=declaration.declared_at,
            declaration_id=declaration.id,
            accepted_left_out=declaration.accepted_left_out,
        )
        session.add(standing)
        return
    standing.version = declaration.version
    standing.as_of = declaration.as_of
    standing.declared_at = declaration.declared_at
    standing.declaration_id = declaration.id
    standing.accepted_left_out = declaration.accepted_left_out
    standing.refresh_requested_at = None


def _keep_pools(
    session: AsyncSession, service_id: UUID, said: Sequence[Pool], kept: dict[UUID, ServiceCapacity], as_of: datetime
) -> None:
    for row in kept.values():
        row.declared = False
    for pool in said:
        values: dict[str, Any] = {
            "unit": pool.kind,
            "maximum": pool.maximum,
            "available": pool.available,
            "starts_on": pool.starts_on,
            "ends_on": pool.ends_on,
            "updated": as_of,
            "declared": True,
        }
        known = kept.get(pool.pool_id)
        if known is None:
            session.add(ServiceCapacity(id=pool.pool_id, service_id=service_id, **values))
            continue
        for name, value in values.items():
            setattr(known, name, value)


def _pool(body: PoolBody) -> Pool:
    return Pool(
        pool_id=body.id,
        kind=body.kind,
        maximum=body.maximum,
        available=body.available,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
    )


def _declared(service: ProviderService, declaration: CapacityDeclaration, pools: Sequence[Pool]) -> CapacityDeclared:
    return CapacityDeclared(
        provider_service_id=service.id,
        organization_id=service.organization_id,
        version=declaration.version,
        as_of=declaration.as_of,
        accepted_left_out=declaration.accepted_left_out,
        pools=[
            PoolDeclared(
                pool_id=pool.pool_id,
                kind=pool.kind,
                maximum=pool.maximum,
                available=pool.available,
                starts_on=pool.starts_on,
                ends_on=pool.ends_on,
            )
            for pool in sorted(pools, key=lambda pool: (pool.kind, pool.pool_id))
        ],
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """An offer that a provider declined as full."""

    offer_id: UUID
    service_id: UUID
    declined_at: datetime
    traceparent: str | None


_LOCK_STANDING: Final = """
    SELECT c.service_id, c.declaration_id, c.as_of,
           EXISTS (SELECT FROM service_capacity p
                   WHERE p.service_id = c.service_id AND p.declared AND p.available > 0) AS claims_places
    FROM capacity c WHERE c.service_id = ANY($1::uuid[])
    ORDER BY c.service_id FOR NO KEY UPDATE OF c
"""
_RECORD: Final = """
    INSERT INTO capacity_doubt (offer_id, service_id, declaration_id, declined_at, traceparent)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[])
    ON CONFLICT (offer_id) DO NOTHING
"""
_ASK: Final = """
    UPDATE capacity c SET refresh_requested_at = $2 FROM service s
    WHERE c.service_id = ANY($1::uuid[]) AND c.refresh_requested_at IS NULL AND s.id = c.service_id
    RETURNING c.service_id, s.organization_id, s.category, s.restricted
"""


async def record_doubts(session: AsyncSession, refusals: Sequence[Refusal]) -> None:
    """Record the doubts that these answers `full` raise, and ask each such provider once for a new declaration.

    An answer from before the current declaration, or one to a declaration without free places, contradicts nothing. The
    number of statements does not depend on the size of the batch.
    """
    connection = await raw(session)
    services = sorted({refusal.service_id for refusal in refusals})
    standing = {row["service_id"]: row for row in await connection.fetch(_LOCK_STANDING, services)}
    proofs = [
        (refusal, row["declaration_id"])
        for refusal in refusals
        if (row := standing.get(refusal.service_id)) is not None
        and row["claims_places"]
        and rules.is_proved_wrong(declined_at=refusal.declined_at, as_of=row["as_of"])
    ]
    if not proofs:
        return
    await connection.execute(
        _RECORD,
        [refusal.offer_id for refusal, _ in proofs],
        [refusal.service_id for refusal, _ in proofs],
        [declaration_id for _, declaration_id in proofs],
        [refusal.declined_at for refusal, _ in proofs],
        [refusal.traceparent for refusal, _ in proofs],
    )
    await _ask_once(session, {refusal.service_id: refusal.traceparent for refusal, _ in reversed(proofs)})


async def _ask_once(session: AsyncSession, doubted: Mapping[UUID, str | None]) -> None:
    """Ask each of these services that has not been asked since its last declaration. The event has the trace of the
    doubt."""
    asked = await (await raw(session)).fetch(_ASK, list(doubted), now(session))
    await outbox.append(
        session,
        [
            CapacityRefreshRequested(
                provider_service_id=row["service_id"],
                organization_id=row["organization_id"],
                category=row["category"],
                requested_at=now(session),
                restricted=row["restricted"],
            )
            for row in asked
        ],
        traceparents=[doubted[row["service_id"]] for row in asked],
    )
