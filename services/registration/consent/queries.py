"""Queries of consents and of the safe contact."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import NotFound
from libs.consents.policy import ConsentGate, ConsentPolicy, Opened, consent_key, organization_key
from libs.events.catalogue.consents import ConsentElements
from libs.events.codes import ConsentPurpose, ContactChannel, RecipientClass
from libs.events.people_codes import AddressOwner, AgeGroup
from services.registration.consent.rules.consents import (
    ConsentMethod,
    GivenBy,
    Grant,
    RelyingOn,
    counts,
    standing_grants,
)
from services.registration.consent.rules.contacts import ContactState, contact_end, has_ended
from services.registration.consent.schemas import ConsentView, ContactStateView, SafeContactView, recipient_of
from services.registration.consent.tables import Consent, ConsentState, ConsentWithdrawal, SafeContact, staff_reference
from services.registration.errors import SafeContactMissing
from services.registration.organizations.queries import statuses
from services.registration.organizations.rules import Nameable
from services.registration.pack import Pack
from services.registration.vault.sealing import DataKey

_GRANTS = """
    SELECT c.returnee_id, c.purpose, c.recipient_class, c.recipient_organization_id, c.expires_at
    FROM consent c JOIN returnee r ON r.id = c.returnee_id LEFT JOIN consent_withdrawal w ON w.consent_id = c.id
    WHERE c.returnee_id = ANY($1) AND w.consent_id IS NULL
      AND NOT (c.given_by = $2 AND r.age_group = $3)
"""


# Of several valid consents the one that lasts longest, as `who_allow` counts.
_RELYING = """
    SELECT DISTINCT ON (c.returnee_id)
        c.returnee_id, c.id, s.version, c.purpose, c.recipient_class, c.expires_at
    FROM consent c JOIN returnee r ON r.id = c.returnee_id JOIN consent_state s ON s.returnee_id = c.returnee_id
        LEFT JOIN consent_withdrawal w ON w.consent_id = c.id
    WHERE c.returnee_id = ANY($1) AND c.expires_at > $3
      AND (c.purpose || ':' || c.recipient_class = ANY($2::text[])
           OR c.purpose = $6 AND c.recipient_organization_id = $7)
      AND w.consent_id IS NULL AND NOT (c.given_by = $4 AND r.age_group = $5)
    ORDER BY c.returnee_id, c.expires_at DESC, c.id
"""
_STILL_STANDING = """
    SELECT c.id, c.returnee_id
    FROM consent c JOIN returnee r ON r.id = c.returnee_id LEFT JOIN consent_withdrawal w ON w.consent_id = c.id
    WHERE c.id = ANY($1::uuid[]) AND c.expires_at > $2 AND w.consent_id IS NULL AND r.erased_at IS NULL
      AND NOT (c.given_by = $3 AND r.age_group = $4)
"""


async def relied_on(
    session: AsyncSession, returnee_ids: Collection[UUID], *, gate: ConsentGate, organization_id: UUID, at: datetime
) -> list[RelyingOn]:
    """The consent of each of these people that opens this gate for this organisation now; nothing for a person who has
    given none."""
    values = (list(returnee_ids), list(gate.keys), at, GivenBy.SELF.value, AgeGroup.CHILD.value)
    rows = await (await raw(session)).fetch(_RELYING, *values, gate.purpose.value, organization_id)
    return [
        RelyingOn(
            row["returnee_id"], row["id"], row["version"], row["purpose"], row["recipient_class"], row["expires_at"]
        )
        for row in rows
    ]


async def still_standing(session: AsyncSession, consent_ids: Collection[UUID], *, at: datetime) -> dict[UUID, UUID]:
    """Those of these consents that are valid now, each with the person who has given it."""
    values = (list(consent_ids), at, GivenBy.SELF.value, AgeGroup.CHILD.value)
    rows = await (await raw(session)).fetch(_STILL_STANDING, *values)
    return {row["id"]: row["returnee_id"] for row in rows}


async def grants(
    session: AsyncSession, returnee_ids: Collection[UUID], *, at: datetime
) -> Mapping[UUID, Sequence[Grant]]:
    """What each of these people allows at a moment; an empty list for a person who allows nothing.

    A consent that a person has given for themselves does not count once it is known that they are a child (domain P13).
    """
    values = (list(returnee_ids), GivenBy.SELF.value, AgeGroup.CHILD.value)
    rows = await (await raw(session)).fetch(_GRANTS, *values)
    found: dict[UUID, list[Grant]] = {returnee_id: [] for returnee_id in returnee_ids}
    for row in rows:
        of_class = None if row["recipient_class"] is None else RecipientClass(row["recipient_class"])
        named = row["recipient_organization_id"]
        found[row["returnee_id"]].append(Grant(ConsentPurpose(row["purpose"]), of_class, row["expires_at"], named))
    return {returnee_id: standing_grants(given, at=at) for returnee_id, given in found.items()}


async def who_allow(
    session: AsyncSession,
    returnee_ids: Collection[UUID],
    *,
    gate: ConsentGate | None,
    organization_id: UUID,
    at: datetime,
) -> dict[UUID, datetime]:
    """The people who have given a consent that opens this gate for this organisation now, with the moment at which it
    ends. Without a gate, no consent is sufficient."""
    if gate is None:
        return {}
    standing = await grants(session, returnee_ids, at=at)
    keys = gate.keys_for(organization_id)
    ends = {
        returnee_id: [grant.expires_at for grant in given if _key(grant) in keys]
        for returnee_id, given in standing.items()
    }
    return {returnee_id: max(moments) for returnee_id, moments in ends.items() if moments}


def _key(grant: Grant) -> str:
    if grant.recipient_class is not None:
        return consent_key(grant.purpose, grant.recipient_class)
    assert grant.organization_id is not None, "a grant is for a class or for one organisation"
    return organization_key(grant.purpose, grant.organization_id)


async def opened(session: AsyncSession, returnee_id: UUID, consents: ConsentPolicy) -> Opened:
    """The categories whose packets this person allows now."""
    standing = (await grants(session, [returnee_id], at=now(session)))[returnee_id]
    named: dict[UUID, set[ConsentPurpose]] = defaultdict(set)
    for grant in standing:
        if grant.organization_id is not None:
            named[grant.organization_id].add(grant.purpose)
    return Opened(
        consents.opened_by([_key(one) for one in standing if one.organization_id is None]),
        {organization_id: consents.opened_for(purposes) for organization_id, purposes in named.items()},
    )


async def nameable(session: AsyncSession, bodies: Iterable[ConsentElements], *, pack: Pack) -> Nameable:
    """What is known about the organisations that these consents name."""
    named = {one for body in bodies if (one := recipient_of(body).organization_id) is not None}
    found = await statuses(session, named, restricted=pack.routing.restricted)
    return Nameable(pack.consents.purposes_of_offers, found)


async def never_heard(session: AsyncSession, returnee_ids: Collection[UUID]) -> set[UUID]:
    """The people whose state of consent has never been published."""
    query = select(ConsentState.returnee_id).where(col(ConsentState.returnee_id).in_(list(returnee_ids)))
    return set(returnee_ids) - set((await session.exec(query)).all())


async def consent_rows(session: AsyncSession, returnee_id: UUID) -> list[tuple[Consent, ConsentWithdrawal | None]]:
    """All consents that were ever recorded for a person, oldest first, with their withdrawals."""
    query = (
        select(Consent, ConsentWithdrawal)
        .outerjoin(ConsentWithdrawal, col(ConsentWithdrawal.consent_id) == col(Consent.id))
        .where(Consent.returnee_id == returnee_id)
        .order_by(col(Consent.id))
    )
    return [(consent, withdrawal) for consent, withdrawal in (await session.exec(query)).all()]


async def consent(session: AsyncSession, consent_id: UUID, *, returnee_id: UUID) -> Consent:
    """One consent of a person, or NotFound."""
    found = await session.get(Consent, consent_id)
    if found is None or found.returnee_id != returnee_id:
        raise NotFound
    return found


def consent_view(
    row: Consent, withdrawal: ConsentWithdrawal | None, key: DataKey, *, age_group: str, at: datetime
) -> ConsentView:
    """A consent with its text decrypted."""
    assert row.data_described_sealed is not None, "its text exists until the person is erased"
    return ConsentView(
        id=row.id,
        discloser=row.discloser,
        purpose=ConsentPurpose(row.purpose),
        recipient_class=None if row.recipient_class is None else RecipientClass(row.recipient_class),
        recipient_organization_id=row.recipient_organization_id,
        recipient_name=key.open_or_none(row.recipient_name_sealed, table="consent", column="recipient_name"),
        data_described=key.open(row.data_described_sealed, table="consent", column="data_described"),
        given_by=GivenBy(row.given_by),
        method=ConsentMethod(row.method),
        language=row.language,
        staff_reference=staff_reference(row.staff_reference_sealed, row.staff_reference, key),
        witness_reference=key.open_or_none(row.witness_reference_sealed, table="consent", column="witness_reference"),
        revocation_explained=row.revocation_explained,
        given_at=row.given_at,
        expires_at=row.expires_at,
        recorded_at=row.recorded_at,
        withdrawn_at=None if withdrawal is None else withdrawal.withdrawn_at,
        standing=withdrawal is None and row.expires_at > at and counts(age_group=age_group, given_by=row.given_by),
    )


async def stored_contact(session: AsyncSession, returnee_id: UUID, *, key: DataKey) -> SafeContactView | None:
    """The safe contact as it was told, also after its end, or None if the person has not stated one."""
    row = await session.get(SafeContact, returnee_id)
    if row is None:
        return None
    return SafeContactView(
        channel=ContactChannel(row.channel),
        address=key.open_or_none(row.address_sealed, table="safe_contact", column="address"),
        address_owner=None if row.address_owner is None else AddressOwner(row.address_owner),
        code_word=key.open_or_none(row.code_word_sealed, table="safe_contact", column="code_word"),
        may_name_organization=row.may_name_organization,
        language=row.language,
        hours_from=row.hours_from,
        hours_until=row.hours_until,
        may_leave_message=row.may_leave_message,
        expires_at=row.expires_at,
        confirmed_at=row.confirmed_at,
        version=row.version,
    )


async def recorded_contact(
    session: AsyncSession, returnee_id: UUID, *, key: DataKey, lasts: timedelta
) -> SafeContactView | None:
    """The safe contact with the moment at which it ends, also after that, or None if the person has not stated one."""
    found = await stored_contact(session, returnee_id, key=key)
    if found is None:
        return None
    end = contact_end(found.channel, told=found.expires_at, confirmed_at=found.confirmed_at, lasts=lasts)
    return found.model_copy(update={"expires_at": end})


async def find_safe_contact(
    session: AsyncSession, returnee_id: UUID, *, key: DataKey, lasts: timedelta
) -> SafeContactView | None:
    """The safe contact that may be used now, with its address decrypted. None if the person has not stated one, or if
    it has ended."""
    found = await recorded_contact(session, returnee_id, key=key, lasts=lasts)
    return None if found is None or has_ended(found.expires_at, at=now(session)) else found


async def safe_contact(session: AsyncSession, returnee_id: UUID, *, key: DataKey, lasts: timedelta) -> SafeContactView:
    """The safe contact that may be used now, or SafeContactMissing."""
    found = await find_safe_contact(session, returnee_id, key=key, lasts=lasts)
    if found is None:
        raise SafeContactMissing
    return found


async def contact_state(session: AsyncSession, returnee_id: UUID, *, lasts: timedelta) -> ContactStateView:
    """Whether a safe contact is known, without the contact."""
    row = await session.get(SafeContact, returnee_id)
    if row is None:
        return ContactStateView(state=ContactState.MISSING, expires_at=None)
    channel = ContactChannel(row.channel)
    end = contact_end(channel, told=row.expires_at, confirmed_at=row.confirmed_at, lasts=lasts)
    if end is None:
        return ContactStateView(state=ContactState.NOBODY, expires_at=None)
    state = ContactState.ENDED if has_ended(end, at=now(session)) else ContactState.VALID
    return ContactStateView(state=state, expires_at=end)
