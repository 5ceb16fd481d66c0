"""The steps of the child desk: name a relative, record the child's view, verify, hand over, cancel."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now
from libs.chassis.errors import InvalidInput
from libs.chassis.etag import Condition
from libs.wire.names import words
from services.registration.audit.actions import record
from services.registration.audit.rules import AccessKind, Actor
from services.registration.pack import Pack
from services.registration.protection_errors import AlreadyDone, RelativeExcluded, ReleaseNotReady, ReleaseOpen
from services.registration.releases import queries
from services.registration.releases.actions.recording import (
    access,
    open_release,
    require_another,
    require_child_alone,
    require_not_excluded,
    written,
)
from services.registration.releases.queries import TABLE
from services.registration.releases.rules import (
    ReleaseStatus,
    future_faults,
    handover_faults,
    missing_to_release,
    place_faults,
    view_faults,
)
from services.registration.releases.schemas import (
    CancellationBody,
    ChildViewBody,
    HandoverBody,
    RelativeTold,
    ReleaseBody,
    VerificationBody,
)
from services.registration.releases.tables import ChildRelease
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import Vault


async def begin_release(session: AsyncSession, body: ReleaseBody, *, actor: Actor, vault: Vault) -> UUID:
    """Name the relative to whom a child may be released; return the id of the release."""
    person = await queries.child(session, body.returnee_id, actor=actor)
    await require_child_alone(session, person)
    relative_key = _relative_key(vault, person.id, body.relative)
    if await queries.has_open(session, person.id):
        raise ReleaseOpen
    if await queries.is_excluded(session, person.id, relative_key):
        raise RelativeExcluded
    await require_not_excluded(session, person, body.relative, namesake_confirmed=body.namesake_confirmed, vault=vault)
    key, row_id = await data_key(vault, person.id), uuid7()
    row = ChildRelease(
        id=row_id,
        returnee_id=person.id,
        relation=body.relation.value,
        relative_sealed=key.seal(body.relative.model_dump_json(), table=TABLE, column=f"relative.{row_id}"),
        relative_key=relative_key,
        named_at=now(session),
        named_by=actor.principal,
    )
    session.add(row)
    await session.flush()
    await record(session, actor, [access(row, AccessKind.WRITE, "begin")])
    return row.id


def _relative_key(vault: Vault, returnee_id: UUID, relative: RelativeTold) -> bytes:
    found = sorted(words(relative.given_names, relative.family_names))
    return vault.master.blind("relative of a child", str(returnee_id), *found)


async def record_view(
    session: AsyncSession, release_id: UUID, body: ChildViewBody, *, condition: Condition, actor: Actor, vault: Vault
) -> UUID:
    """Record what the child says. A child may be heard again; a sign-off of before then ends."""
    row, person = await open_release(session, release_id, condition=condition, actor=actor)
    faults = view_faults(
        wish=body.wish,
        not_heard=body.not_heard_because,
        told=[name for name in ("language", "words") if getattr(body, name) is not None],
        band=person.age_band,
        heard_at=body.heard_at,
        at=now(session),
    )
    if faults:
        raise InvalidInput(errors=faults)
    key = await data_key(vault, person.id)
    row.wish = None if body.wish is None else body.wish.value
    row.not_heard_because = None if body.not_heard_because is None else body.not_heard_because.value
    row.heard_by_sealed = key.seal(body.heard_by, table=TABLE, column=f"heard_by.{row.id}")
    row.heard_words_sealed = key.seal_or_none(body.words, table=TABLE, column=f"heard_words.{row.id}")
    row.heard_at, row.heard_language = body.heard_at, body.language
    row.view_at, row.view_by = now(session), actor.principal
    _end_sign_off(row)
    return await written(session, row, "child_view", actor=actor)


def _end_sign_off(row: ChildRelease) -> None:
    """What the authority signed off has changed, so it signs again."""
    row.signed_at = row.signed_by = row.sign_off_reference_sealed = row.authority = None
    row.withdrawn_at = row.withdrawn_because = None


async def verify_relative(
    session: AsyncSession, release_id: UUID, body: VerificationBody, *, condition: Condition, actor: Actor
) -> UUID:
    """Record how the relative was verified, by another person than who named them."""
    row, _ = await open_release(session, release_id, condition=condition, actor=actor)
    require_another(actor, named=row.named_by)
    if row.verified_at is not None:
        raise AlreadyDone
    faults = future_faults("/verified_at", body.verified_at, at=now(session))
    if faults:
        raise InvalidInput(errors=faults)
    row.verified = sorted({one.value for one in body.verified})
    row.verified_at, row.verified_by = body.verified_at, actor.principal
    return await written(session, row, "verify", actor=actor)


async def hand_over(
    session: AsyncSession,
    release_id: UUID,
    body: HandoverBody,
    *,
    condition: Condition,
    actor: Actor,
    pack: Pack,
    vault: Vault,
) -> UUID:
    """Record that the child was handed over to the relative. Each condition is checked again at this moment."""
    row, person = await open_release(session, release_id, condition=condition, actor=actor)
    await require_child_alone(session, person)
    require_another(actor, verified=row.verified_by, signed_off=row.signed_by)
    relative = queries.relative_of(row, await data_key(vault, person.id))
    await require_not_excluded(session, person, relative, namesake_confirmed=body.namesake_confirmed, vault=vault)
    at = now(session)
    valid_for = pack.reception.child_releases.valid_for
    missing = missing_to_release(queries.steps_of(row), valid_for=valid_for, at=at)
    if missing:
        raise ReleaseNotReady(missing=[one.value for one in missing])
    faults = handover_faults(body.handed_over_at, signed_at=row.signed_at, at=at)
    faults += place_faults(body.place, avoided=person.avoid_places)
    if faults:
        raise InvalidInput(errors=faults)
    row.status = ReleaseStatus.RELEASED.value
    row.released_at, row.released_by = body.handed_over_at, actor.principal
    row.released_to_place, row.relative_shown_by = body.place, body.relative_shown_by.value
    return await written(session, row, "hand_over", actor=actor)


async def cancel_release(
    session: AsyncSession, release_id: UUID, body: CancellationBody, *, condition: Condition, actor: Actor
) -> UUID:
    """End a release without a handover."""
    row, _ = await open_release(session, release_id, condition=condition, actor=actor)
    row.status, row.cancelled_at = ReleaseStatus.CANCELLED.value, now(session)
    row.cancelled_by, row.cancelled_because = actor.principal, body.reason.value
    return await written(session, row, "cancel", actor=actor)
