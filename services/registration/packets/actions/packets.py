"""Opens and closes packets after events of referral, and hands them out.

A packet contains only the necessary data of people who consent, and each access is recorded.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from pydantic_core import to_json
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work, raw
from libs.events.catalogue.journeys import JudgedOn
from libs.events.catalogue.referral import OfferAccepted, OfferHalted, OfferUpheld
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.consent.queries import find_safe_contact, who_allow
from services.registration.consent.schemas import ContactElements
from services.registration.errors import ConsentMissing, PacketClosed, PacketHalted, PacketNotReady, ReturneeErased
from services.registration.excluded_people.queries import kept_apart
from services.registration.households.queries import is_in_doubt
from services.registration.organizations.queries import standing_of
from services.registration.pack import Pack, PacketField
from services.registration.packets import queries
from services.registration.packets.queries import Facts
from services.registration.packets.rules import is_closed, may_serve
from services.registration.packets.schemas import PacketPerson, PacketView
from services.registration.packets.tables import PacketAccess
from services.registration.people.queries import IDENTITY_FIELDS, identity_of, lock_unchanged
from services.registration.people.tables import Returnee
from services.registration.sharing.actions import keep_shares, note_fetched
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import DataKey, Vault

_OPEN = """
    INSERT INTO packet_access (offer_id, referral_id, returnee_id, organization_id, provider_service_id, category,
                               service_type, people_count, accepted_at, traceparent, judged_profiles,
                               judged_household_version, kind)
    SELECT offer_id, referral_id, returnee_id, organization_id, provider_service_id, category, service_type,
           people_count, accepted_at, traceparent, profiles::jsonb, household_version, kind
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::int[],
                $9::timestamptz[], $10::text[], $11::text[], $12::int[], $13::text[])
        AS a (offer_id, referral_id, returnee_id, organization_id, provider_service_id, category, service_type,
              people_count, accepted_at, traceparent, profiles, household_version, kind)
    ON CONFLICT (offer_id) DO NOTHING
"""
_JUDGED = """
    UPDATE packet_access p SET judged_profiles = j.profiles::jsonb, judged_household_version = j.household_version,
        halted_at = CASE WHEN j.by_desk THEN j.halted_at ELSE coalesce(p.halted_at, j.halted_at) END
    FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bool[], $5::timestamptz[])
        AS j (offer_id, profiles, household_version, by_desk, halted_at)
    WHERE p.offer_id = j.offer_id
"""
_NOT_OF_MEMBERS = frozenset({PacketField.DOCUMENT_NUMBER, PacketField.SAFE_CONTACT, PacketField.HOUSEHOLD_MEMBERS})
_OF_CONTACT = set(ContactElements.model_fields)
_CODED = frozenset(PacketPerson.model_fields) - set(IDENTITY_FIELDS)

IssueGrant = Callable[[AsyncSession, PacketAccess, Sequence[Returnee], frozenset[PacketField]], Awaitable[str]]
"""Signs the grant for a packet with the data of these people, the person of the offer first."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """The result of the events of one batch for one offer. `by_desk`: a desk has let it continue, so earlier halts
    do not count."""

    judged_on: JudgedOn
    by_desk: bool = False
    halted_at: datetime | None = None


async def open_packets(session: AsyncSession, accepted: Sequence[tuple[OfferAccepted, str | None]]) -> None:
    """Open the packets of accepted offers, each with its traceparent, so that their organisations may fetch them."""
    # Older events do not contain the facts. Such an offer counts as evaluated on the facts that are known now.
    unsaid = {offer.returnee_id for offer, _ in accepted if offer.judged_on is None}
    known = await queries.facts_known(session, unsaid) if unsaid else {}
    rows = [
        (
            offer.offer_id,
            offer.referral_id,
            offer.returnee_id,
            offer.organization_id,
            offer.provider_service_id,
            offer.category,
            offer.service_type,
            offer.people_count,
            offer.at,
            traceparent,
            *_versions(offer.judged_on, known.get(offer.returnee_id)),
            offer.offered_kind,
        )
        for offer, traceparent in accepted
    ]
    if rows:
        await (await raw(session)).execute(_OPEN, *map(list, zip(*rows, strict=True)))
        await keep_shares(session, [offer for offer, _ in accepted])


def _versions(judged_on: JudgedOn | None, known: Facts | None) -> tuple[str, int | None]:
    if judged_on is not None:
        profiles = {str(one.returnee_id): one.version for one in judged_on.profiles}
        return to_json(profiles).decode(), judged_on.household_version
    return ("{}", None) if known is None else (to_json(known.profiles).decode(), known.household_version)


async def judge_packets(session: AsyncSession, judged: Sequence[OfferUpheld | OfferHalted]) -> None:
    """Store that referral has evaluated accepted offers again: on which facts, and whether they are halted. Events come
    in their order."""
    last: dict[UUID, _Judged] = {}
    for event in judged:
        before = last.get(event.offer_id, _Judged(event.judged_on))
        if isinstance(event, OfferHalted):
            last[event.offer_id] = replace(before, judged_on=event.judged_on, halted_at=event.at)
        elif event.by_desk:
            last[event.offer_id] = _Judged(event.judged_on, by_desk=True)
        else:
            last[event.offer_id] = replace(before, judged_on=event.judged_on)
    rows = [(offer_id, *_versions(one.judged_on, None), one.by_desk, one.halted_at) for offer_id, one in last.items()]
    if rows:
        await (await raw(session)).execute(_JUDGED, *map(list, zip(*rows, strict=True)))


async def fetch_packet(
    session: AsyncSession, offer_id: UUID, *, pack: Pack, vault: Vault, actor: Actor, issue: IssueGrant
) -> PacketView:
    """The packet of an offer that the caller's organisation has accepted.

    Raises PacketNotReady; NotFound for another organisation's offer; PacketClosed; ReturneeErased; PacketHalted if the
    present facts do not allow it any more; or ConsentMissing if the person does not, or no longer, give the consent
    that the category requires.
    """
    access = await queries.packet_access(session, offer_id, actor=actor)
    async with own_work(session):  # the organisation may read this packet, but not the row of the person
        return await _packet(session, access, pack=pack, vault=vault, actor=actor, issue=issue)


async def _packet(
    session: AsyncSession, access: PacketAccess, *, pack: Pack, vault: Vault, actor: Actor, issue: IssueGrant
) -> PacketView:
    if is_closed(access.closes_at, at=now(session)):
        raise PacketClosed
    person = await session.get(Returnee, access.returnee_id)
    if person is None or person.erased_at is not None:
        raise ReturneeErased
    fields = pack.packets.fields_for(category=access.category, service_type=access.service_type, kind=access.kind)
    members = (
        await queries.household_members(session, person)
        if PacketField.HOUSEHOLD_MEMBERS in fields and access.people_count > 1
        else []
    )
    # From here on, if one of these people withdraws a consent, the withdrawal waits until this transaction ends. Then
    # it finds that the packet was fetched.
    ids = [person.id, *(member.id for member in members)]
    await lock_unchanged(session, ids)
    await require_allowed(session, access, [person, *members], on=pack.reception.day_of(now(session)))
    await require_judged(session, access, [person, *members])
    gate, to = pack.consents.gate_of(access.category), access.organization_id
    allowing = await who_allow(session, ids, gate=gate, organization_id=to, at=now(session))
    if person.id not in allowing:
        raise ConsentMissing
    # While staff decide who belongs to the household, a packet contains only the person, and no other member.
    in_doubt = person.household_id is not None and bool(members) and await is_in_doubt(session, person.household_id)
    # Two records may have been merged after the household was put together.
    apart = (await kept_apart(session, [person.id])).get(person.id, ()) if members else ()
    may = [one for one in members if one.id in allowing and one.id not in apart]
    shown = [] if in_doubt else [one for one in may if str(one.id) in access.judged_profiles]
    view = await _view(session, access, person, shown, fields=fields, vault=vault, pack=pack)
    view.members_withheld_count = len(members) - len(shown)
    view.grant = await issue(session, access, [person, *shown], fields)
    until = {row.id: allowing[row.id] for row in (person, *shown)}
    await note_fetched(session, access.offer_id, person.id, until=until)
    await record(session, actor, [_access(row, access, fields, actor=actor) for row in (person, *shown)])
    return view


async def require_allowed(session: AsyncSession, access: PacketAccess, people: Sequence[Returnee], *, on: date) -> None:
    """Refuse what registration itself knows not to be allowed, without waiting for an event of referral."""
    if access.halted_at is not None or any(access.organization_id in one.avoid_organizations for one in people):
        raise PacketHalted
    standing = await standing_of(session, access.organization_id)
    if standing is None:
        raise PacketNotReady("The status of the organisation has not arrived yet; repeat the request shortly")
    if any(standing.acts_for in one.avoid_countries for one in people):
        raise PacketHalted
    if not may_serve(status=standing.status, valid_until=standing.valid_until, category=access.category, on=on):
        raise PacketHalted


async def require_judged(session: AsyncSession, access: PacketAccess, people: Sequence[Returnee]) -> None:
    """Refuse while facts are newer than those on which referral has upheld the offer. An ended offer is not
    evaluated."""
    if access.closes_at is not None:
        return
    known = (await queries.facts_known(session, [access.returnee_id]))[access.returnee_id]
    judged = access.judged_profiles
    newer = any(str(one.id) in judged and one.told_version > judged[str(one.id)] for one in people)
    if newer or (known.household_version or 0) > (access.judged_household_version or 0):
        raise PacketNotReady("Facts have changed and the offer is being evaluated again; repeat the request shortly")


async def _view(
    session: AsyncSession,
    access: PacketAccess,
    person: Returnee,
    members: Sequence[Returnee],
    *,
    fields: frozenset[PacketField],
    vault: Vault,
    pack: Pack,
) -> PacketView:
    keys = await data_keys(vault, [person.id, *(member.id for member in members)])
    if person.id not in keys:
        raise ReturneeErased
    contact = None
    if PacketField.SAFE_CONTACT in fields:
        lasts = pack.reception.retention.safe_contact_lasts
        found = await find_safe_contact(session, person.id, key=keys[person.id], lasts=lasts)
        contact = None if found is None else ContactElements(**found.model_dump(include=_OF_CONTACT))
    seen_of_members = fields - _NOT_OF_MEMBERS
    return PacketView(
        offer_id=access.offer_id,
        referral_id=access.referral_id,
        case_code=person.case_code,
        category=access.category,
        service_type=access.service_type,
        kind=access.kind,
        people_count=access.people_count,
        fields=sorted(fields),
        person=_person(person, keys[person.id], fields),
        safe_contact=contact,
        household_members=[_person(one, keys[one.id], seen_of_members) for one in members if one.id in keys] or None,
        accepted_at=access.accepted_at,
        closes_at=access.closes_at,
    )


def _person(row: Returnee, key: DataKey, fields: frozenset[PacketField]) -> PacketPerson:
    """The allowed fields of a person. Other fields are not even decrypted."""
    shown: dict[str, object] = {name: getattr(row, name) for name in _CODED if name in fields}
    if PacketField.AGE_BAND in fields:
        shown["age_group"] = row.age_group
    wanted = [name for name in IDENTITY_FIELDS if name in fields]
    if wanted:
        identity = identity_of(row, key)
        shown |= {name: getattr(identity, name) for name in wanted}
    return PacketPerson.model_validate(shown)


def _access(row: Returnee, access: PacketAccess, fields: frozenset[PacketField], *, actor: Actor) -> Access:
    own = row.id == access.returnee_id
    is_restricted = access.category in actor.sight.restricted_categories
    return Access(
        subject_id=row.id,
        kind=AccessKind.READ,
        action=f"{RESTRICTED}packet.read" if is_restricted else "packet.read",
        purpose=AccessPurpose.REFERRAL,
        fields=sorted(fields if own else fields - _NOT_OF_MEMBERS),
        referral_id=access.referral_id,
        offer_id=access.offer_id,
    )
