"""Collects the parts of a report."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.paging import PageRequest
from libs.events.codes import DeletionReason
from services.registration.access_reports.rules import shows_entry
from services.registration.access_reports.schemas import (
    AnswersOfPerson,
    EmergencyTold,
    ExtensionTold,
    IdentityCheckTold,
    LegalRequestTold,
    RecipientOfData,
    RecordOfPerson,
)
from services.registration.answers import queries as answers
from services.registration.audit.queries import access_log
from services.registration.audit.rules import Actor
from services.registration.audit.schemas import AccessView
from services.registration.consent import queries as consent
from services.registration.emergencies import queries as emergencies
from services.registration.emergencies.rules import Decision, EmergencyReason, Verdict
from services.registration.identity_checks import queries as identity_checks
from services.registration.identity_ends import queries as identity_ends
from services.registration.identity_ends.rules import ExtensionReason
from services.registration.legal_requests import queries as legal_requests
from services.registration.legal_requests.rules import Asked, Authority, RequestAnswer, may_be_told
from services.registration.needs import queries as needs
from services.registration.pack import Pack
from services.registration.people import queries as people
from services.registration.people.tables import Returnee
from services.registration.sharing.queries import shares
from services.registration.sharing.rules import DeletionAnswer
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import Vault
from services.registration.withholding import queries as withholding

MOST_ENTRIES = 500
"""The maximum number of entries of the record of access in one report."""
_MOST_NEEDS = 1_000


async def record_of_person(
    session: AsyncSession, person: Returnee, *, language: str, actor: Actor, pack: Pack, vault: Vault
) -> RecordOfPerson:
    """What one record contains, decrypted."""
    key, at = await data_key(vault, person.id), now(session)
    page = await needs.needs(session, person, _first(_MOST_NEEDS), actor=actor, vault=vault)
    return RecordOfPerson(
        person=people.returnee_view(person, key, actor=actor),
        safe_contact=await consent.recorded_contact(
            session, person.id, key=key, lasts=pack.reception.retention.safe_contact_lasts
        ),
        needs=page.items,
        consents=[
            consent.consent_view(row, withdrawal, key, age_group=person.age_group, at=at)
            for row, withdrawal in await consent.consent_rows(session, person.id)
        ],
        answers=await _answers(session, person, language=language, actor=actor, pack=pack, vault=vault),
        excluded_people=await withholding.excluded(session, person.id, key=key, actor=actor),
        withholding_reasons=await withholding.reasons(session, person, key=key),
    )


async def _answers(
    session: AsyncSession, person: Returnee, *, language: str, actor: Actor, pack: Pack, vault: Vault
) -> list[AnswersOfPerson]:
    found = []
    for row in await answers.sets_of(session, person.id):
        instrument = answers.instrument(pack.instruments, row.instrument, row.instrument_version)
        view = await answers.answers_view(
            session,
            person,
            row,
            instrument,
            language=language,
            sees_private=not actor.hidden_categories(person.organization_id),
            newer=None,
            vault=vault,
        )
        texts = {one.id: one.text[view.language] for one in instrument.questions}
        found.append(
            AnswersOfPerson(
                instrument=view.instrument,
                instrument_version=view.instrument_version,
                questions={one.question: texts[one.question] for one in view.answers if one.question in texts},
                answers=view.answers,
            )
        )
    return found


async def recipients(session: AsyncSession, records: Sequence[Returnee], *, actor: Actor) -> list[RecipientOfData]:
    """The organisations that may read, or have read, a packet of the person."""
    hidden = {person.id: actor.hidden_categories(person.organization_id) for person in records}
    return [
        RecipientOfData(
            organization_id=share.organization_id,
            offer_id=share.offer_id,
            category=share.category,
            fetched_at=share.fetched_at,
            ended_at=share.ended_at,
            deletion_requested_at=None if asked is None else asked.requested_at,
            deletion_reason=None if asked is None else DeletionReason(asked.reason),
            deletion_answer=None if asked is None or asked.answer is None else DeletionAnswer(asked.answer),
        )
        for share, asked in await shares(session, list(hidden))
        if share.category not in hidden[share.returnee_id]
    ]


async def told_and_entries(
    session: AsyncSession, returnee_ids: Sequence[UUID], *, restricted: bool, traces: bool
) -> tuple[list[LegalRequestTold], list[AccessView], bool]:
    """The requests of authorities of which the person may know, the newest entries of the record of access, and
    whether there are more."""
    at = now(session)
    found = [legal_requests.view(row) for row in await legal_requests.about(session, returnee_ids)]
    told = [one for one in found if may_be_told(one.notice, one.notice_due_at, at=at)]
    page = await access_log(session, returnee_ids, _first(MOST_ENTRIES), restricted=restricted)
    entries = [one for one in page.items if shows_entry(one.action, all_told=len(told) == len(found))]
    if not traces:
        entries = [one.model_copy(update={"trace_id": None}) for one in entries]
    views = [
        LegalRequestTold(
            authority=Authority(one.authority),
            received_at=one.received_at,
            asked=[Asked(code) for code in one.asked],
            answer=RequestAnswer(one.answer),
            given=[Asked(code) for code in one.given],
            answered_at=one.answered_at,
        )
        for one in told
        if one.answer is not None and one.answered_at is not None
    ]
    return views, entries, page.next is not None


async def emergencies_of(session: AsyncSession, returnee_ids: Sequence[UUID]) -> list[EmergencyTold]:
    """The requests for access in an emergency, approved or not, oldest first."""
    return [
        EmergencyTold(
            asked_at=row.asked_at,
            reason=EmergencyReason(row.reason),
            decision=None if row.decision is None else Decision(row.decision),
            ends_at=row.ends_at,
            verdict=None if row.verdict is None else Verdict(row.verdict),
        )
        for row in await emergencies.about(session, returnee_ids)
    ]


async def identity_checks_of(session: AsyncSession, returnee_ids: Sequence[UUID]) -> list[IdentityCheckTold]:
    """The checks of who the person is, proven or not, oldest first."""
    return [
        IdentityCheckTold(made_at=row.made_at, proven=row.proven_until is not None)
        for row in await identity_checks.about(session, returnee_ids)
    ]


async def extensions_of(session: AsyncSession, returnee_ids: Sequence[UUID]) -> list[ExtensionTold]:
    """The decisions to keep the data longer, oldest first."""
    return [
        ExtensionTold(decided_at=row.recorded_at, reason=ExtensionReason(row.reason), until=row.until)
        for row in await identity_ends.extensions(session, returnee_ids)
    ]


def _first(limit: int) -> PageRequest:
    """The first page of a list whose next page nobody asks for."""
    return PageRequest(limit=limit, after=None, path="", secret=b"not used")
