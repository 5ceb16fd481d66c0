"""Reports, withdrawals and ends of restricted needs: the same as for ordinary ones, but one at a time and in their
store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.events.catalogue.registration import NeedWithdrawn
from libs.events.outbox import append
from services.registration.errors import NeedAlreadyWithdrawn
from services.registration.needs import restricted
from services.registration.needs.restricted import Kept
from services.registration.needs.rules import NeedStatus, SecondNeedReason, is_more_urgent
from services.registration.needs.schemas import NewNeed, RestrictedNeed, RestrictedRepeat, reported
from services.registration.vault.actions import restricted_keys
from services.registration.vault.sealing import DataKey, Vault


async def report_restricted(session: AsyncSession, needs: Sequence[NewNeed], *, vault: Vault) -> set[UUID]:
    """Record and publish restricted needs, each after the need that it waits for; return the ids of the new ones."""
    keys = await restricted_keys(vault, {need.returnee_id for need in needs}, at=now(session))
    new: set[UUID] = set()
    stands: dict[UUID, UUID] = {}
    for need in needs:
        told = need if need.after_need_id is None else replace(
            need, after_need_id=stands.get(need.after_need_id, need.after_need_id)
        )  # fmt: skip
        stands[need.id] = await _report(session, told, keys[need.returnee_id], vault=vault)
        if stands[need.id] == need.id:
            new.add(need.id)
    return new


async def hasten_known(session: AsyncSession, needs: Sequence[NewNeed], *, vault: Vault) -> list[NewNeed]:
    """The ordinary needs without those whose reference belongs to a restricted need. Of such a report
    only a higher urgency is used: it is applied to the restricted need."""
    keys = {need.need_key for need in needs if need.need_key is not None}
    known = await restricted.known_keys(session, keys, vault=vault) if keys else set()
    for need in needs:
        if need.need_key in known:
            kept = await restricted.told_before(session, need.id, need.need_key, vault=vault, lock=True)
            if kept is not None:
                await _hasten(session, kept, need, vault=vault)
    return [need for need in needs if need.need_key not in known]


async def withdraw_restricted(session: AsyncSession, kept: Kept, *, vault: Vault) -> None:
    """Withdraw a locked need, because the person no longer asks for it."""
    need = kept.need
    if need.status is NeedStatus.WITHDRAWN:
        raise NeedAlreadyWithdrawn
    changed = need.model_copy(update={"status": NeedStatus.WITHDRAWN, "withdrawn_at": now(session)})
    await restricted.save(session, [replace(kept, need=changed)], vault=vault)
    withdrawn = NeedWithdrawn(returnee_id=need.returnee_id, need_id=need.id, withdrawn_at=now(session))
    await append(session, [withdrawn], traceparents=[need.traceparent])


async def keep_restricted_ends(
    session: AsyncSession, heard: Mapping[UUID, tuple[datetime, bool]], *, vault: Vault
) -> None:
    """Store when referral ended restricted needs, or that it has reopened them (True). Other needs are ignored."""
    for kept in await restricted.by_id(session, heard, vault=vault, lock=True):
        at, reopened = heard[kept.need.id]
        if kept.need.heard_as_of is None or kept.need.heard_as_of <= at:
            changed = kept.need.model_copy(update={"heard_as_of": at, "ended_at": None if reopened else at})
            if reopened and changed.second_reason is None and await has_another(session, changed, vault=vault):
                changed = changed.model_copy(update={"second_reason": SecondNeedReason.ANOTHER_TIME})
            await restricted.save(session, [replace(kept, need=changed)], vault=vault)


async def _report(session: AsyncSession, need: NewNeed, key: DataKey, *, vault: Vault) -> UUID:
    """Record one need, or store the report as a repetition; return the id of the new or existing need."""
    while True:
        known = await restricted.told_before(session, need.id, need.need_key, vault=vault, lock=True)
        if known is not None:
            await _hasten(session, known, need, vault=vault)
            return known.need.id
        standing = await restricted.standing(session, need, vault=vault)
        if standing is not None and need.second_reason is None:
            await _repeat(session, standing, need, vault=vault)
            return standing.need.id
        fresh = _fresh(need, session, beside=standing is not None)
        if await restricted.insert(session, Kept(fresh, key), need.need_key, vault=vault):
            await append(session, [reported(fresh, at=now(session))], traceparents=[fresh.traceparent])
            return fresh.id
        # Another transaction has recorded one meanwhile, so the next round finds it.


def _fresh(need: NewNeed, session: AsyncSession, *, beside: bool) -> RestrictedNeed:
    """The new need. If no need of its kind is open (`beside` is False), it is not a second need, so the reason for a
    second one is not stored."""
    return RestrictedNeed(
        id=need.id,
        returnee_id=need.returnee_id,
        household_id=need.household_id,
        arrival_batch_id=need.arrival_batch_id,
        category=need.category,
        kind=need.kind,
        detail_values=dict(need.detail_values),
        urgency=need.urgency,
        people_count=need.people_count,
        after_need_id=need.after_need_id,
        status=NeedStatus.REPORTED,
        reported_at=now(session),
        second_reason=need.second_reason if beside else None,
        traceparent=need.traceparent,
        origin=need.origin,
    )


async def _repeat(session: AsyncSession, standing: Kept, need: NewNeed, *, vault: Vault) -> None:
    """Store a repeated report of an open need. It is published again, because referral may have just ended the need."""
    repeat = RestrictedRepeat(
        id=need.id,
        need_id=standing.need.id,
        urgency=need.urgency,
        people_count=need.people_count,
        reported_at=now(session),
    )
    await restricted.insert_repeat(session, repeat, need.need_key, standing.key, vault=vault)
    more = _with_more(standing.need, need)
    await restricted.save(session, [replace(standing, need=more)], vault=vault)
    await append(session, [reported(more, at=now(session))], traceparents=[more.traceparent])


async def _hasten(session: AsyncSession, known: Kept, told: NewNeed, *, vault: Vault) -> None:
    """Apply what a report under a known reference adds: a higher urgency, a kind, details."""
    more = _with_more(known.need, told)
    if more.kind != known.need.kind and await has_another(session, more, vault=vault):
        more = more.model_copy(update={"kind": known.need.kind, "detail_values": known.need.detail_values})
    if known.need.is_open and more != known.need:
        await restricted.save(session, [replace(known, need=more)], vault=vault)
        await append(session, [reported(more, at=now(session))], traceparents=[more.traceparent])


def _with_more(need: RestrictedNeed, told: NewNeed) -> RestrictedNeed:
    """The need with what a repeated report adds. The first report of a detail counts."""
    urgency = told.urgency if is_more_urgent(told.urgency, need.urgency) else need.urgency
    kind = told.kind if need.kind is None and told.category == need.category else need.kind
    details = {**told.detail_values, **need.detail_values} if kind == told.kind else need.detail_values
    return need.model_copy(update={"urgency": urgency, "kind": kind, "detail_values": details})


async def has_another(session: AsyncSession, need: RestrictedNeed, *, vault: Vault) -> bool:
    """Whether the person or household has another open need of the same category and kind."""
    others: Collection[RestrictedNeed] = await restricted.of_person(
        session, need.returnee_id, need.household_id, vault=vault
    )
    return any(
        other.id != need.id
        and other.is_open
        and other.second_reason is None
        and (other.category, other.kind) == (need.category, need.kind)
        and other.household_id == need.household_id
        and (need.household_id is not None or other.returnee_id == need.returnee_id)
        for other in others
    )
