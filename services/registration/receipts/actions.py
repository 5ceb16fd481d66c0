"""Shows the receipt of a consent, and records that it was shown."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.consent import queries
from services.registration.consent.schemas import ConsentView
from services.registration.consent.tables import ConsentWithdrawal
from services.registration.pack import Pack
from services.registration.people.queries import returnee
from services.registration.receipts.rules import (
    Line,
    ReceiptFacts,
    ReceiptLanguage,
    language_of,
    lines_of,
    page_of,
    texts_of,
)
from services.registration.receipts.schemas import ReceiptLine, ReceiptView
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import Vault


class Receipt(NamedTuple):
    """A receipt for programs, and its lines."""

    view: ReceiptView
    lines: list[Line]

    @property
    def page(self) -> str:
        """The page to print."""
        texts = {"title": self.view.title, "notice": self.view.notice}
        return page_of(self.lines, texts | {"rights": self.view.rights, "number": self.view.number}, self.view.language)


async def show_receipt(
    session: AsyncSession,
    returnee_id: UUID,
    consent_id: UUID,
    *,
    wanted: ReceiptLanguage | None,
    actor: Actor,
    vault: Vault,
    pack: Pack,
) -> Receipt:
    """The receipt of one consent. NotFound if the caller does not see the person, or if it is a consent of somebody
    else."""
    person = await returnee(session, returnee_id, actor=actor)
    row = await queries.consent(session, consent_id, returnee_id=returnee_id)
    withdrawal = await session.get(ConsentWithdrawal, consent_id)
    key = await data_key(vault, returnee_id)
    consent = queries.consent_view(row, withdrawal, key, age_group=person.age_group, at=now(session))
    access = Access(
        subject_id=returnee_id,
        kind=AccessKind.READ,
        action="consent.receipt",
        purpose=AccessPurpose.REQUEST_OF_PERSON,
        fields=["consent"],
    )
    await record(session, actor, [access])
    language, is_theirs = language_of(
        person.languages, explained_in=consent.language, known=pack.taxonomy.languages, wanted=wanted
    )
    facts = _facts(consent, person.case_code, ZoneInfo(pack.reception.timezone))
    lines, texts = lines_of(facts, language), texts_of(facts, language, is_theirs=is_theirs)
    view = ReceiptView(
        consent_id=consent_id,
        language=language,
        is_persons_language=is_theirs,
        lines=[ReceiptLine.model_validate(one, from_attributes=True) for one in lines],
        **texts,
    )
    return Receipt(view, lines)


def _facts(consent: ConsentView, case_code: str, zone: ZoneInfo) -> ReceiptFacts:
    def local(moment: datetime) -> datetime:
        return moment.astimezone(zone)

    return ReceiptFacts(
        consent_id=str(consent.id),
        case_code=case_code,
        discloser=consent.discloser,
        purpose=consent.purpose.value,
        recipient_class=None if consent.recipient_class is None else consent.recipient_class.value,
        recipient_name=consent.recipient_name,
        data_described=consent.data_described,
        given_by=consent.given_by.value,
        method=consent.method.value,
        staff_reference=consent.staff_reference,
        witness_reference=consent.witness_reference,
        given_at=local(consent.given_at),
        expires_at=local(consent.expires_at),
        withdrawn_at=None if consent.withdrawn_at is None else local(consent.withdrawn_at),
        standing=consent.standing,
    )
