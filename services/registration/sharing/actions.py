"""Records which organisation has which packet, requests deletions, and records the answers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.events.catalogue.referral import OfferAccepted
from libs.events.catalogue.registration import PacketDeletionRequested
from libs.events.codes import DeletionReason, NeedCategory
from libs.events.outbox import append
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.pack import Pack
from services.registration.sharing import queries
from services.registration.sharing.rules import answer_faults
from services.registration.sharing.schemas import DeletionAnswerBody
from services.registration.sharing.tables import DeletionAnswerGiven

_SHARE = """
    INSERT INTO packet_share (offer_id, returnee_id, referral_id, organization_id, provider_service_id, category)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[])
    ON CONFLICT DO NOTHING
"""
_FETCHED = """
    INSERT INTO packet_share (offer_id, returnee_id, referral_id, organization_id, provider_service_id, category,
                              fetched_at, lapses_at)
    SELECT $1, seen.returnee_id, referral_id, organization_id, provider_service_id, category, $4, seen.lapses_at
    FROM packet_share AS own, unnest($2::uuid[], $3::timestamptz[]) AS seen (returnee_id, lapses_at)
    WHERE own.offer_id = $1 AND own.returnee_id = $5
    ON CONFLICT (offer_id, returnee_id) DO UPDATE SET fetched_at = excluded.fetched_at, lapses_at = excluded.lapses_at
"""
_ENDED = """
    UPDATE packet_share AS share SET ended_at = ended.at
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS ended (referral_id, offer_id, at)
    WHERE share.referral_id = ended.referral_id AND (ended.offer_id IS NULL OR share.offer_id = ended.offer_id)
      AND share.ended_at IS NULL
"""
# An organisation that never fetched the packet of an ended offer has nothing to delete, and expects no packet.
_CONCERNED = """
    SELECT offer_id, referral_id, organization_id, provider_service_id, category, fetched_at IS NOT NULL AS fetched
    FROM packet_share AS share
    WHERE returnee_id = $1 AND (fetched_at IS NOT NULL OR ended_at IS NULL)
      AND ($2::text[] IS NULL OR category = ANY($2)) AND ($3::uuid[] IS NULL OR organization_id = ANY($3))
      AND NOT EXISTS (SELECT FROM unnest($4::uuid[], $5::text[]) AS kept (organization_id, category)
                      WHERE kept.organization_id = share.organization_id AND kept.category = share.category)
    ORDER BY offer_id FOR UPDATE
"""
# A packet that was fetched again after a request is requested again. Otherwise there is one request per packet.
_REQUEST = """
    INSERT INTO deletion_request (offer_id, returnee_id, referral_id, organization_id, category, case_code, reason,
                                  requested_at, answer_by)
    SELECT offer_id, returnee_id, referral_id, organization_id, category, $3, $4, $5, $6 FROM packet_share
    WHERE offer_id = ANY($1::uuid[]) AND returnee_id = $2 AND fetched_at IS NOT NULL
    ON CONFLICT (offer_id, returnee_id) DO UPDATE SET
        reason = excluded.reason, requested_at = excluded.requested_at, answer_by = excluded.answer_by,
        answer = NULL, ground = NULL, answered_at = NULL
    WHERE (SELECT fetched_at FROM packet_share AS share WHERE share.offer_id = deletion_request.offer_id
           AND share.returnee_id = deletion_request.returnee_id) > deletion_request.requested_at
    RETURNING offer_id, referral_id, category
"""


_DONE = "UPDATE packet_share SET lapses_at = NULL WHERE offer_id = ANY($1::uuid[]) AND returnee_id = $2"
_LAPSED = """
    SELECT returnee_id, organization_id, category FROM packet_share WHERE lapses_at <= $1 ORDER BY lapses_at LIMIT $2
"""
_RENEW = """
    UPDATE packet_share SET lapses_at = $4
    WHERE returnee_id = $1 AND category = $2 AND organization_id = $3 AND lapses_at IS NOT NULL
"""


class Lapsed(NamedTuple):
    """A person, an organisation and a category: the organisation has fetched a packet under a consent of the person
    that has ended."""

    returnee_id: UUID
    organization_id: UUID
    category: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A person whose data organisations may not have any more, although they could fetch them with packets."""

    returnee_id: UUID
    case_code: str
    reason: DeletionReason
    categories: Collection[NeedCategory] | None = None
    """The categories of the packets; None: all."""
    organizations: Collection[UUID] | None = None
    """The organisations; None: all."""
    kept: Collection[tuple[UUID, NeedCategory]] = ()
    """Organisations that a consent of the person still names, with the category of the packets that they keep."""
    traceparent: str | None = None


async def keep_shares(session: AsyncSession, accepted: Sequence[OfferAccepted]) -> None:
    """Record that the organisations of these accepted offers may fetch the packets from now on."""
    rows = [
        (
            one.offer_id,
            one.returnee_id,
            one.referral_id,
            one.organization_id,
            one.provider_service_id,
            one.category,
        )
        for one in accepted
    ]
    if rows:
        await (await raw(session)).execute(_SHARE, *map(list, zip(*rows, strict=True)))


async def end_shares(session: AsyncSession, ended: Sequence[tuple[UUID, UUID | None, datetime]]) -> None:
    """Record the end of accepted offers, each identified by its referral and, if it is known, its offer."""
    if ended:
        await (await raw(session)).execute(_ENDED, *map(list, zip(*ended, strict=True)))


async def note_fetched(
    session: AsyncSession, offer_id: UUID, returnee_id: UUID, *, until: Mapping[UUID, datetime]
) -> None:
    """Record that the packet was fetched with the data of these people, each until the end of the consent that allowed
    it."""
    await (await raw(session)).execute(_FETCHED, offer_id, list(until), list(until.values()), now(session), returnee_id)


async def ask_for_deletion(session: AsyncSession, withdrawn: Withdrawn, *, pack: Pack, actor: Actor) -> None:
    """Inform every organisation that has, or could fetch, a packet of this person that it may not have it any more.

    An organisation that has fetched it is asked to delete it and to confirm this. The person's row must be locked, as
    it is when a packet is fetched, so that no fetch is overlooked.
    """
    at, connection = now(session), await raw(session)
    categories = None if withdrawn.categories is None else sorted(withdrawn.categories)
    organizations = None if withdrawn.organizations is None else list(withdrawn.organizations)
    kept = [organization_id for organization_id, _ in withdrawn.kept], [category for _, category in withdrawn.kept]
    shares = await connection.fetch(_CONCERNED, withdrawn.returnee_id, categories, organizations, *kept)
    offers = [row["offer_id"] for row in shares]
    asked = await connection.fetch(
        _REQUEST,
        offers,
        withdrawn.returnee_id,
        withdrawn.case_code,
        withdrawn.reason.value,
        at,
        at + pack.deletion_answer_within,
    )
    await connection.execute(_DONE, offers, withdrawn.returnee_id)
    requested = {row["offer_id"] for row in asked}
    told = [row for row in shares if row["offer_id"] in requested or not row["fetched"]]
    events = [_request(withdrawn, row, pack=pack, at=at) for row in told]
    await append(session, events, traceparents=[withdrawn.traceparent] * len(events))
    accesses = [
        _access(
            withdrawn.returnee_id,
            "packet.deletion_requested",
            row["offer_id"],
            row["referral_id"],
            is_restricted=row["category"] in pack.routing.restricted,
        )
        for row in asked
    ]
    await record(session, actor, accesses)


def _request(withdrawn: Withdrawn, share: Mapping[str, Any], *, pack: Pack, at: datetime) -> PacketDeletionRequested:
    """The event for the organisation of one share."""
    return PacketDeletionRequested(
        returnee_id=withdrawn.returnee_id,
        case_code=withdrawn.case_code,
        offer_id=share["offer_id"],
        referral_id=share["referral_id"],
        organization_id=share["organization_id"],
        provider_service_id=share["provider_service_id"],
        reason=withdrawn.reason,
        fetched=share["fetched"],
        answer_by=at + pack.deletion_answer_within if share["fetched"] else None,
        at=at,
        restricted=share["category"] in pack.routing.restricted,
    )


async def lapsed(session: AsyncSession, *, limit: int) -> list[Lapsed]:
    """The packets that were fetched under a consent that has ended, earliest end first."""
    rows = await (await raw(session)).fetch(_LAPSED, now(session), limit)
    return [Lapsed(row["returnee_id"], row["organization_id"], row["category"]) for row in rows]


async def renew_share(
    session: AsyncSession, returnee_id: UUID, category: NeedCategory, *, organization_id: UUID, until: datetime
) -> None:
    """Extend the shares of a person who has given a longer consent for packets of this category at this
    organisation."""
    await (await raw(session)).execute(_RENEW, returnee_id, category, organization_id, until)


async def answer_deletion(session: AsyncSession, offer_id: UUID, body: DeletionAnswerBody, *, actor: Actor) -> UUID:
    """Record what an organisation did with the data. A later answer replaces an earlier one.

    NotFound if the caller's organisation was not asked to delete anything of this packet.
    """
    rows = await queries.requests_of_offer(session, offer_id, actor=actor, case_code=body.case_code)
    faults = answer_faults(body.answer, body.ground)
    if faults:
        raise InvalidInput(errors=faults)
    at = now(session)
    for row in rows:
        row.answer, row.answered_at = body.answer.value, at
        row.ground = None if body.ground is None else body.ground.value
        given = DeletionAnswerGiven(
            id=uuid7(),
            offer_id=row.offer_id,
            returnee_id=row.returnee_id,
            answer=row.answer,
            ground=row.ground,
            answered_at=at,
            answered_by=actor.principal,
        )
        if row.reason == DeletionReason.ERASED:
            row.case_code = None
        session.add_all([row, given])
    await session.flush()
    accesses = [
        _access(
            row.returnee_id,
            f"packet.deletion_answered.{body.answer.value}",
            row.offer_id,
            row.referral_id,
            is_restricted=row.category in actor.sight.restricted_categories,
        )
        for row in rows
    ]
    await record(session, actor, accesses)
    return offer_id


def _access(returnee_id: UUID, action: str, offer_id: UUID, referral_id: UUID, *, is_restricted: bool) -> Access:
    return Access(
        subject_id=returnee_id,
        kind=AccessKind.WRITE,
        action=f"{RESTRICTED}{action}" if is_restricted else action,
        purpose=AccessPurpose.REFERRAL,
        fields=["packet"],
        referral_id=referral_id,
        offer_id=offer_id,
    )
