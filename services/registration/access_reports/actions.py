"""Makes the report to a person about their data."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import InvalidInput
from services.registration.access_reports import queries
from services.registration.access_reports.rules import Given
from services.registration.access_reports.schemas import AccessReport
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.identity_checks.queries import require_proven
from services.registration.pack import Pack
from services.registration.people.actions.merging import records_of
from services.registration.people.queries import IDENTITY_FIELDS, returnee, visible_among
from services.registration.vault.sealing import Vault

FIELDS = (
    *IDENTITY_FIELDS, "profile", "return_facts", "needs", "consents", "safe_contact", "answers", "packets",
    "legal_requests", "emergencies", "identity_checks", "excluded_people", "withholding_reasons", "retention",
    "access_log",
)  # fmt: skip


async def make_access_report(
    session: AsyncSession,
    returnee_id: UUID,
    *,
    given: Given,
    language: str,
    traces: bool,
    actor: Actor,
    pack: Pack,
    vault: Vault,
) -> AccessReport:
    """The report about all records of the person that the caller may see. It is recorded, with the proof of identity.

    Only `restricted:read` with a certificate shows restricted needs, and what was done about them.
    """
    row = await returnee(session, returnee_id, actor=actor)
    await _require_valid(session, given, returnee_id=row.id, actor=actor)
    merged = {row.id, *await records_of(session, [row.id])}
    people = [one for one in await visible_among(session, merged, actor=actor) if one.erased_at is None]
    ids = [one.id for one in people]
    complete = not any(actor.hidden_categories(one.organization_id) for one in people)
    told, entries, more = await queries.told_and_entries(session, ids, restricted=complete, traces=traces)
    report = AccessReport(
        made_at=now(session),
        proof=given.proof,
        records=[
            await queries.record_of_person(session, one, language=language, actor=actor, pack=pack, vault=vault)
            for one in people
        ],
        recipients=await queries.recipients(session, people, actor=actor),
        legal_requests=told,
        emergencies=await queries.emergencies_of(session, ids),
        identity_checks=await queries.identity_checks_of(session, ids),
        extensions=await queries.extensions_of(session, ids),
        accesses=entries,
        accesses_left_out=more,
        complete=complete,
    )
    await record(session, actor, [_made(one, given) for one in ids])
    return report


async def _require_valid(session: AsyncSession, given: Given, *, returnee_id: UUID, actor: Actor) -> None:
    if given.faults:
        raise InvalidInput(errors=given.faults)
    if given.identity_check_id is not None:
        await require_proven(session, given.identity_check_id, returnee_id=returnee_id, actor=actor)


def _made(returnee_id: UUID, given: Given) -> Access:
    return Access(
        subject_id=returnee_id,
        kind=AccessKind.READ,
        action="access_report.make",
        purpose=AccessPurpose.REQUEST_OF_PERSON,
        fields=[*FIELDS, *given.fields],
    )
