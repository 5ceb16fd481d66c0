"""Reports the needs and private reviews that follow from answers to an instrument.

They are reported like those that people tell, so that a person has one open need of a kind. When answers change, a need
that does not follow any more is marked; it stays until a person withdraws it, because a provider may already be on the
way. A need that was withdrawn is not reported again while the answers lead to it without a break.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.events.codes import NeedCategory, NeedKind, Urgency
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.needs import queries
from services.registration.needs.actions.tellings import report_needs
from services.registration.needs.schemas import NeedOriginView, NewNeed
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import Vault

_FOLLOWS: Final = """
    INSERT INTO need_origin (need_id, instrument, rule, instrument_version, questions)
    SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT FROM need WHERE id = $1)
    ON CONFLICT (need_id, instrument, rule) DO UPDATE
    SET instrument_version = excluded.instrument_version, questions = excluded.questions, stale_since = NULL
"""
_STALE: Final = """
    UPDATE need_origin SET stale_since = $3 WHERE instrument = $1 AND stale_since IS NULL
    AND (need_id, rule) IN (SELECT * FROM unnest($2::uuid[], $4::text[]))
"""


@dataclass(frozen=True, slots=True)
class Derived:
    """A need that follows from the present answers."""

    category: NeedCategory
    kind: NeedKind | None
    urgency: Urgency
    origin: NeedOriginView


async def derive_needs(
    session: AsyncSession, person: Returnee, instrument: str, derived: Sequence[Derived], *, actor: Actor, vault: Vault
) -> None:
    """Report the needs that follow from the answers to an instrument for the first time, or again after they did not,
    and mark those that do not follow any more. The person is locked; no category is restricted."""
    known = await queries.origins_of_person(session, person.id, instrument)
    followed = {rule for rule, row in known.items() if row.stale_since is None}
    following = {one.origin.rule for one in derived}
    due = [(_new(person, one, uuid7()), one) for one in derived if one.origin.rule not in followed]
    if due:
        await report_needs(session, [new for new, _ in due], vault=vault)
    for new, one in due:
        need_id = await queries.repeated_need(session, new.id, vault=vault) or new.id
        origin = one.origin
        values = need_id, instrument, origin.rule, origin.instrument_version, origin.questions
        await (await raw(session)).execute(_FOLLOWS, *values)
    stale = [(known[rule].need_id, rule) for rule in sorted(followed - following)]
    if stale:
        ids, rules = [need_id for need_id, _ in stale], [rule for _, rule in stale]
        await (await raw(session)).execute(_STALE, instrument, ids, now(session), rules)
    await record(session, actor, [_access(person.id, "need.report") for _ in due])


async def derive_reviews(
    session: AsyncSession, person: Returnee, derived: Sequence[Derived], *, actor: Actor, vault: Vault
) -> None:
    """Report the private reviews that follow from soft indicators, each once for a person and a rule."""
    new = []
    for one in derived:
        origin = one.origin
        parts = (str(person.id), origin.instrument, origin.rule)
        need_id = vault.restricted.derived_id("review", *parts, milliseconds=person.id.int >> 80)
        new.append(_new(person, one, need_id, key=vault.restricted.blind("review", *parts)))
    if not new:
        return
    first = await report_needs(session, new, vault=vault)
    accesses = [_access(person.id, f"{RESTRICTED}need.report") for one in new if one.id in first]
    await record(session, actor, accesses)


def _new(person: Returnee, one: Derived, need_id: UUID, *, key: bytes | None = None) -> NewNeed:
    restricted = key is not None
    return NewNeed(
        id=need_id,
        need_key=key,
        returnee_id=person.id,
        household_id=None,
        arrival_batch_id=person.arrival_batch_id,
        category=one.category,
        kind=one.kind,
        detail_values={},
        urgency=one.urgency,
        people_count=1,
        after_need_id=None,
        traceparent=person.traceparent,
        restricted=restricted,
        origin=one.origin if restricted else None,
    )


def _access(returnee_id: UUID, action: str) -> Access:
    return Access(
        subject_id=returnee_id,
        kind=AccessKind.WRITE,
        action=action,
        purpose=AccessPurpose.REGISTRATION,
        fields=["needs"],
    )
