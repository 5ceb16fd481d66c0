"""Registers people whose intakes arrive at the same time in one transaction (decision 0122).

The intakes may be of several callers. What a caller may see is asked under the row-level security of that caller; the
rest is the service's own work.
"""

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.auth import Caller
from libs.chassis.database import Database, on_behalf_of, own_work
from libs.chassis.errors import NotFound, Refusal
from libs.chassis.gathering import Gathering
from libs.chassis.idempotency import Once, begun, finished
from services.registration.arrivals import queries
from services.registration.arrivals.actions.batches import receive_people
from services.registration.arrivals.schemas import Coming, ReturneeIntake, Sender
from services.registration.audit.api import actor_of, said_of
from services.registration.audit.rules import Actor
from services.registration.certificates.api import look_up_certificates
from services.registration.errors import ReturneeErased
from services.registration.pack import Pack
from services.registration.people.queries import registered_view, visible_among
from services.registration.people.schemas import RegisteredView
from services.registration.vault.sealing import Vault

MOST: Final = 25
"""The maximum number of people in one transaction. The row of their batch is locked for its last part."""


@dataclass(frozen=True, slots=True)
class AskedIntake:
    """The intake of one person by REST, as it was asked for."""

    body: ReturneeIntake
    caller: Caller
    once: Once
    context: str | None
    """The trace context of the request."""


@dataclass(frozen=True, slots=True)
class _Coming:
    """A person who comes, and whether the caller may see the batch that the request names."""

    coming: Coming
    sees_batch: bool


Registering = Gathering[AskedIntake, RegisteredView]


def registering_of(database: Database, vault: Vault, pack: Pack) -> Registering:
    """What registers the people of this process's requests."""

    def begin(asked: Sequence[AskedIntake]) -> AbstractAsyncContextManager[AsyncSession]:
        # Most often there is one caller, so the transaction begins with the settings of the first one.
        caller = asked[0].caller
        return database.transaction_of(caller.tenant, said_of(caller, pack=pack))

    async def write(session: AsyncSession, asked: Sequence[AskedIntake]) -> list[RegisteredView | Exception | None]:
        return await _register(session, asked, vault=vault, pack=pack)

    async def alone(session: AsyncSession, asked: AskedIntake) -> RegisteredView | Exception:
        (one,) = await _register(session, [asked], vault=vault, pack=pack)
        assert one is not None, "a result for each"
        return one

    return Gathering(begin=begin, write=write, alone=alone, most=MOST)


def lane_of(asked: AskedIntake) -> Hashable:
    """The people of one batch share a lane, because each of them is counted in its row. People without a batch share
    that of their caller."""
    body, caller = asked.body, asked.caller
    if body.arrival_batch_id is not None:
        return body.arrival_batch_id
    return (caller.client_id, caller.subject, body.batch_reference)


async def _register(
    session: AsyncSession, asked: Sequence[AskedIntake], *, vault: Vault, pack: Pack
) -> list[RegisteredView | Exception | None]:
    """Register the people who may be registered. A request that names what its caller may not see, or whose key was
    used before, is refused or answered by itself. Every other refusal is raised, and then nothing is stored."""
    callers, comings = _by_caller(asked), dict[int, _Coming | Refusal]()
    for caller, numbers in callers:
        async with _acting_for(session, caller, pack) as actor:
            comings |= await _comings(session, {nth: asked[nth] for nth in numbers}, actor=actor)
    async with own_work(session, few_rows=True):
        ids = await _registered(session, asked, comings, vault=vault, pack=pack)
    results: dict[int, RegisteredView | Refusal] = {}
    for caller, numbers in callers:
        async with _acting_for(session, caller, pack) as actor:
            results |= await _views(session, {nth: ids[nth] for nth in numbers}, actor=actor)
    return [results[nth] for nth in range(len(asked))]


def _by_caller(asked: Sequence[AskedIntake]) -> list[tuple[Caller, list[int]]]:
    """The callers, each with the positions of its requests."""
    found: list[tuple[Caller, list[int]]] = []
    for nth, one in enumerate(asked):
        numbers = next((numbers for caller, numbers in found if caller == one.caller), None)
        if numbers is None:
            found.append((one.caller, [nth]))
        else:
            numbers.append(nth)
    return found


@asynccontextmanager
async def _acting_for(session: AsyncSession, caller: Caller, pack: Pack) -> AsyncIterator[Actor]:
    """A part in which only the rows of this caller are visible, with the certificates that it holds now."""
    async with on_behalf_of(session, caller.tenant, said_of(caller, pack=pack)):
        await look_up_certificates(session, caller, pack=pack)
        yield actor_of(caller, pack)


async def _comings(
    session: AsyncSession, asked: Mapping[int, AskedIntake], *, actor: Actor
) -> dict[int, _Coming | Refusal]:
    """The people as events describe them. NotFound for a request with a band that its caller may not see."""
    codes = {one.body.wristband for one in asked.values() if one.body.wristband is not None}
    bands = await queries.named_bands(session, codes, actor=actor)
    told, refused = dict[int, Coming](), dict[int, _Coming | Refusal]()
    for nth, one in asked.items():
        sender = Sender(actor.source, actor.organization_id, actor, one.context)
        reference = one.body.sender_reference or str(uuid7())
        try:
            told[nth] = queries.coming_under(bands, one.body, sender, reference=reference)
        except NotFound as refusal:
            refused[nth] = refusal
    named = {one.arrival_batch_id for one in told.values() if one.arrival_batch_id is not None}
    seen: set[UUID | None] = {None, *await queries.seen_batches(session, named, actor=actor)}
    return refused | {nth: _Coming(one, one.arrival_batch_id in seen) for nth, one in told.items()}


async def _registered(
    session: AsyncSession,
    asked: Sequence[AskedIntake],
    comings: Mapping[int, _Coming | Refusal],
    *,
    vault: Vault,
    pack: Pack,
) -> dict[int, UUID | Refusal]:
    """The ids of the people, of whom some were registered by earlier requests with the same keys."""
    ids: dict[int, UUID | Refusal] = {nth: one for nth, one in comings.items() if isinstance(one, Refusal)}
    told = {nth: one for nth, one in comings.items() if isinstance(one, _Coming)}
    before = await begun(session, [asked[nth].once for nth in told])
    ids |= {nth: one for nth, one in zip(told, before, strict=True) if one is not None}
    ids |= {nth: NotFound() for nth, one in told.items() if nth not in ids and not one.sees_batch}
    new = {nth: one.coming for nth, one in told.items() if nth not in ids}
    people = await receive_people(session, list(new.values()), vault=vault, pack=pack) if new else []
    await session.flush()
    made = {nth: one.returnee_id for nth, one in zip(new, people, strict=True)}
    await finished(session, [(asked[nth].once, returnee_id) for nth, returnee_id in made.items()])
    return ids | made


async def _views(
    session: AsyncSession, ids: Mapping[int, UUID | Refusal], *, actor: Actor
) -> dict[int, RegisteredView | Refusal]:
    """The people as the caller may see them, or why not."""
    known = {one for one in ids.values() if isinstance(one, UUID)}
    rows = {row.id: row for row in await visible_among(session, known, actor=actor)} if known else {}

    def told(one: UUID | Refusal) -> RegisteredView | Refusal:
        if isinstance(one, Refusal):
            return one
        if one not in rows:
            return NotFound()
        return ReturneeErased() if rows[one].erased_at is not None else registered_view(rows[one], actor=actor)

    return {nth: told(one) for nth, one in ids.items()}
