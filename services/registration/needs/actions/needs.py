"""Reports and withdraws needs. The needs of many people are reported at once, with one statement."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.chassis.paging import Page, PageRequest
from libs.events.catalogue.arrivals import NeedTold
from libs.events.catalogue.registration import NeedWithdrawn
from libs.events.codes import NeedCategory
from libs.events.outbox import append
from libs.taxonomy.model import Taxonomy
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.errors import NeedAlreadyWithdrawn, NeedReferenceTaken
from services.registration.households.actions.households import claim_reference
from services.registration.needs import queries
from services.registration.needs.actions.restricted_tellings import keep_restricted_ends, withdraw_restricted
from services.registration.needs.actions.tellings import report_needs
from services.registration.needs.actions.told import Teller, told_needs
from services.registration.needs.rules import (
    NeedStatus,
    SecondNeedReason,
    known_prerequisite,
    need_faults,
    prerequisite_fault,
    told_need,
)
from services.registration.needs.schemas import NeedBody, NeedView
from services.registration.needs.tables import OPEN
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import Vault


async def report_need(
    session: AsyncSession,
    returnee_id: UUID,
    body: NeedBody,
    *,
    source: str,
    actor: Actor,
    vault: Vault,
    taxonomy: Taxonomy,
) -> UUID:
    """Record one more need of a registered person; return the id of this report, which is the id of the need or of a
    repetition."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    known = await queries.known_needs(session, person, actor=actor, vault=vault)
    faults = need_faults(
        [told_need(body)],
        known=known,
        restricted=actor.sight.restricted_categories,
        has_household=person.household_id is not None,
        taxonomy=taxonomy,
        pointer="",
    )
    if faults:
        raise InvalidInput(errors=[replace(fault, pointer=fault.pointer.removeprefix("/0")) for fault in faults])
    teller = await _teller(session, person, body, source=source, restricted=actor.sight.restricted_categories)
    (new,) = told_needs([body], teller, known=known, vault=vault)
    if new.need_key is not None:
        before = await queries.told_by_key(session, new, vault=vault)
        if before is not None:
            told_id, category, kind = before
            if category != body.category or (None not in (kind, body.kind) and kind != body.kind):
                raise NeedReferenceTaken
            await report_needs(session, [new], vault=vault)  # a higher urgency, kind and details take effect
            return told_id
    if body.after_need_id is not None:
        await _require_ordinary(session, body, person=person, actor=actor, vault=vault)
        new = replace(new, after_need_id=body.after_need_id)
    await report_needs(session, [replace(new, second_reason=body.second_reason)], vault=vault)
    await record(session, actor, [write_access(returnee_id, "need.report", body.category, actor=actor)])
    return new.id


async def _require_ordinary(
    session: AsyncSession, body: NeedBody, *, person: Returnee, actor: Actor, vault: Vault
) -> None:
    """Check that the caller may see the prerequisite, and that it is restricted only if this need is restricted."""
    assert body.after_need_id is not None, "called only with a prerequisite"
    before = await queries.need(session, body.after_need_id, person=person, actor=actor, vault=vault)
    restricted = actor.sight.restricted_categories
    if before.category in restricted and body.category not in restricted:
        raise InvalidInput(errors=[prerequisite_fault("/after_need_id")])


async def _teller(
    session: AsyncSession, person: Returnee, body: NeedTold, *, source: str, restricted: Collection[NeedCategory]
) -> Teller:
    household = None
    if body.people_count > 1 and person.household_id is not None:
        household = await claim_reference(session, person.household_id, person.id)
    return Teller(person.id, person.arrival_batch_id, household, source, person.traceparent, restricted)


async def withdraw_need(session: AsyncSession, returnee_id: UUID, need_id: UUID, *, actor: Actor, vault: Vault) -> UUID:
    """Withdraw the need; no reason is required."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    kept = await queries.restricted_need(session, need_id, person=person, actor=actor, vault=vault, lock=True)
    if kept is not None:
        await withdraw_restricted(session, kept, vault=vault)
        await record(session, actor, [write_access(returnee_id, "need.withdraw", kept.need.category, actor=actor)])
        return need_id
    row = await queries.ordinary_need(session, need_id, person=person, actor=actor, lock=True)
    if row.status == NeedStatus.WITHDRAWN:
        raise NeedAlreadyWithdrawn
    row.status = NeedStatus.WITHDRAWN.value
    row.withdrawn_at = now(session)
    session.add(row)
    await session.flush()
    withdrawn = NeedWithdrawn(returnee_id=row.returnee_id, need_id=row.id, withdrawn_at=now(session))
    await append(session, [withdrawn], traceparents=[row.traceparent])
    await record(session, actor, [write_access(returnee_id, "need.withdraw", row.category, actor=actor)])
    return row.id


# A reopened need becomes a second need if another one of its kind was reported meanwhile.
_KEEP_ENDS = f"""
UPDATE need SET heard_as_of = heard.at, ended_at = CASE WHEN heard.reopened THEN NULL ELSE heard.at END,
    second_reason = CASE WHEN heard.reopened AND second_reason IS NULL AND EXISTS (
        SELECT FROM need AS other WHERE other.id <> need.id AND other.category = need.category
            AND other.kind IS NOT DISTINCT FROM need.kind AND other.{OPEN.replace(" AND ", " AND other.")}
            AND (other.household_id = need.household_id
                 OR other.household_id IS NULL AND need.household_id IS NULL AND other.returnee_id = need.returnee_id)
    ) THEN '{SecondNeedReason.ANOTHER_TIME.value}' ELSE second_reason END
FROM unnest($1::uuid[], $2::timestamptz[], $3::bool[]) AS heard(need_id, at, reopened)
WHERE need.id = heard.need_id AND coalesce(need.heard_as_of <= heard.at, true)
"""  # noqa: S608 (constants)


async def keep_ends(session: AsyncSession, heard: Mapping[UUID, tuple[datetime, bool]], *, vault: Vault) -> None:
    """Store when referral ended these needs, or that it has reopened them (True)."""
    at, reopened = [one for one, _ in heard.values()], [one for _, one in heard.values()]
    await (await raw(session)).execute(_KEEP_ENDS, list(heard), at, reopened)
    # This comes second, so that needs that are moved into the store at this moment are found there.
    await keep_restricted_ends(session, heard, vault=vault)


async def look_up_needs(
    session: AsyncSession, returnee_id: UUID, page: PageRequest, *, actor: Actor, vault: Vault
) -> Page[NeedView]:
    """The needs of a person and of the person's household. The access is recorded."""
    person = await returnee(session, returnee_id, actor=actor)
    await record(session, actor, [_access(returnee_id, AccessKind.READ, "need.read")])
    return await queries.needs(session, person, page, actor=actor, vault=vault)


async def look_up_need(
    session: AsyncSession, returnee_id: UUID, need_id: UUID, *, actor: Actor, vault: Vault
) -> NeedView:
    """One need. The access is recorded."""
    view = await show_need(session, returnee_id, need_id, actor=actor, vault=vault)
    await record(session, actor, [_access(returnee_id, AccessKind.READ, "need.read")])
    return view


async def show_need(session: AsyncSession, returnee_id: UUID, need_id: UUID, *, actor: Actor, vault: Vault) -> NeedView:
    """One need, for the response to its withdrawal."""
    person = await returnee(session, returnee_id, actor=actor)
    return await queries.need_view(session, need_id, person=person, actor=actor, vault=vault)


async def show_told_need(
    session: AsyncSession, returnee_id: UUID, told_id: UUID, body: NeedBody, *, actor: Actor, vault: Vault
) -> NeedView:
    """One need, for the response to a report: the existing need if it was already open.

    A caller who may report a restricted need but not read it gets back only what they sent. The response does not show
    stored data, and not whether there was such a need before.
    """
    person = await returnee(session, returnee_id, actor=actor)
    if body.category not in actor.hidden_categories(person.organization_id):
        standing = await queries.repeated_need(session, told_id, vault=vault)
        view = await queries.need_view(session, standing or told_id, person=person, actor=actor, vault=vault)
        return view.model_copy(update={"told_again": standing is not None})
    after = body.after_need_id
    if after is None:
        known = await queries.known_needs(session, person, actor=actor, vault=vault)
        after = known_prerequisite(told_need(body), known)
    return NeedView(
        id=told_id,
        returnee_id=person.id,
        household_id=person.household_id if body.people_count > 1 else None,
        category=body.category,
        kind=body.kind,
        detail_values=body.detail_values,
        urgency=body.urgency,
        people_count=body.people_count,
        after_need_id=after,
        status=NeedStatus.REPORTED,
        reported_at=now(session),
        withdrawn_at=None,
        second_reason=body.second_reason,
    )


def write_access(returnee_id: UUID, action: str, category: str, *, actor: Actor) -> Access:
    """The record of a write of one need. A restricted need has an action of its own, because not everybody may know
    that it exists."""
    is_restricted = category in actor.sight.restricted_categories
    return _access(returnee_id, AccessKind.WRITE, f"{RESTRICTED}{action}" if is_restricted else action)


def _access(returnee_id: UUID, kind: AccessKind, action: str) -> Access:
    return Access(
        subject_id=returnee_id, kind=kind, action=action, purpose=AccessPurpose.REGISTRATION, fields=["needs"]
    )
