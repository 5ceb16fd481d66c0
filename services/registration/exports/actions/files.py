"""Make the file of an export. Nothing of it is stored: each download makes it from the people as they are then."""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, own_work, raw
from libs.consents.policy import ConsentGate, consent_key
from libs.events.codes import ConsentPurpose, RecipientClass
from services.registration.answering_errors import (
    ExportDownloadsUsed,
    ExportEnded,
    ExportNotApproved,
    ExportRecipientInactive,
    ExportTooLarge,
)
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, Actor
from services.registration.exports import queries
from services.registration.exports.actions.asking import recipient_faults, require_restricted_sight
from services.registration.exports.rules import (
    ACCESS_PURPOSES,
    DOWNLOADS_MAX,
    FACTS,
    IDENTIFIED_PEOPLE_MAX,
    PEOPLE_MAX,
    ExportField,
    ExportKind,
    ExportPurpose,
    ExportState,
    Facts,
    Mark,
    file_name,
    needs_cell,
    told_of,
    written,
)
from services.registration.exports.tables import ExportDownload, PeopleExport
from services.registration.pack import Pack
from services.registration.people.queries import identity_of
from services.registration.people.tables import Returnee
from services.registration.vault.queries import data_keys, opened_or_none
from services.registration.vault.sealing import DataKey, Vault

AT_ONCE: Final = 500
"""How many people are read with one statement."""
_COUNT = "UPDATE people_export SET downloads = downloads + 1 WHERE id = $1 AND downloads < $2 RETURNING downloads"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExportFile:
    """The file of one download."""

    name: str
    content: bytes


async def download(session: AsyncSession, export_id: UUID, *, actor: Actor, pack: Pack, vault: Vault) -> ExportFile:
    """The file for the caller who asked for it. The download is recorded, and each person of an identified file."""
    row = await queries.export(session, export_id, asked_by=actor.principal)
    state = queries.state(row, at=now(session))
    if state is ExportState.ENDED:
        raise ExportEnded
    if state is not ExportState.OPEN or row.ends_at is None:
        raise ExportNotApproved(state=state.value)
    if row.kind == ExportKind.IDENTIFIED:
        require_restricted_sight(actor)
    found = await _people(session, row, actor=actor, pack=pack)
    recipient = "" if row.recipient_organization_id is None else str(row.recipient_organization_id)
    mark = Mark(row.id, recipient, row.purpose, pack.reception.day_of(row.ends_at))
    name = file_name(ExportKind(row.kind), mark)
    left_out: int | None = None
    if row.kind == ExportKind.IDENTIFIED:
        lines = await _identified(session, row, [one for one, _, _ in found], actor=actor, pack=pack, vault=vault)
        content = written(row.fields, lines, mark=mark)
    else:
        lines, left_out = await _deidentified(session, row, found, pack=pack)
        content = written(("row", *FACTS), lines, mark=mark)
    await _count(session, row, actor=actor, people_count=len(lines), left_out=left_out)
    return ExportFile(name, content)


async def _people(
    session: AsyncSession, row: PeopleExport, *, actor: Actor, pack: Pack
) -> Sequence[tuple[UUID, str, str]]:
    most = IDENTIFIED_PEOPLE_MAX if row.kind == ExportKind.IDENTIFIED else PEOPLE_MAX
    found = await queries.people_of(session, row, actor=actor, reception=pack.reception, limit=most + 1)
    if len(found) > most:
        raise ExportTooLarge(most=most)
    return found


async def _count(
    session: AsyncSession, row: PeopleExport, *, actor: Actor, people_count: int, left_out: int | None
) -> None:
    async with own_work(session):  # no caller writes to an export, and the row is locked until the commit
        if await (await raw(session)).fetchval(_COUNT, row.id, DOWNLOADS_MAX) is None:
            raise ExportDownloadsUsed(most=DOWNLOADS_MAX)
        session.add(
            ExportDownload(
                id=uuid7(),
                export_id=row.id,
                at=now(session),
                who=actor.who,
                people_count=people_count,
                left_out=left_out,
            )
        )
        await session.flush()


async def _deidentified(
    session: AsyncSession, row: PeopleExport, found: Sequence[tuple[UUID, str, str]], *, pack: Pack
) -> tuple[list[tuple[str, ...]], int]:
    """The rows in the order of their random numbers, and how many people were left out."""
    classes = pack.consents.statistics.recipient_classes
    gate = ConsentGate(purpose=ConsentPurpose(row.purpose), recipient_classes=classes)
    facts: list[tuple[tuple[str, str], Facts]] = []
    for part in _parts(found):
        ids = [one for one, _, _ in part]
        counted = await queries.allowing(session, ids, keys=gate.keys, purpose=row.purpose, to=None)
        people = {one.id: one for one in await queries.rows_of(session, counted)}
        needs = await queries.needs_of(session, counted)
        facts += [
            ((place, month), _facts(people[one], month, needs.get(one, []), pack=pack))
            for one, place, month in part
            if one in people
        ]
        session.expunge_all()
    told = await asyncio.to_thread(told_of, facts, least=pack.routing.small_cells_below)
    numbered = sorted(((secrets.token_hex(8), one) for one in told.rows), key=lambda pair: pair[0])
    return [(number, *(getattr(one, name) for name in FACTS)) for number, one in numbered], told.left_out


def _facts(person: Returnee, month: str, needs: list[str], *, pack: Pack) -> Facts:
    return Facts(
        month=month,
        area=(person.reception_place or "")[:4],
        age=person.age_band,
        sex=person.sex,
        nationality=person.nationality,
        return_kind=person.return_kind or "unknown",
        needs=needs_cell(needs, restricted=pack.routing.restricted),
    )


async def _identified(
    session: AsyncSession, row: PeopleExport, found: Sequence[UUID], *, actor: Actor, pack: Pack, vault: Vault
) -> list[tuple[str, ...]]:
    """The rows of people who allow it, who do not exclude the recipient, and who have no restricted need. Each gets an
    entry in the record of access."""
    to = row.recipient_organization_id
    assert to is not None, "an identified export has a recipient"
    if await recipient_faults(session, to, pack=pack):
        raise ExportRecipientInactive
    keys = {consent_key(ConsentPurpose(row.purpose), RecipientClass(row.recipient_class or ""))}
    lines: list[tuple[str, ...]] = []
    for part in _parts(found):
        allowing = await queries.allowing(session, part, keys=keys, purpose=row.purpose, to=to)
        excluded = await queries.excluded(session, allowing, to, vault=vault)
        people = [one for one in await queries.rows_of(session, allowing) if one.id not in excluded]
        data = await data_keys(vault, [one.id for one in people])
        shown = [(one.id, _line(one, data[one.id], row.fields, pack=pack)) for one in people if one.id in data]
        told = [(one, line) for one, line in shown if line is not None]
        await record(session, actor, [_access(one, row) for one, _ in told])
        lines += [line for _, line in told]
        session.expunge_all()
    return lines


def _line(person: Returnee, key: DataKey, fields: list[str], *, pack: Pack) -> tuple[str, ...] | None:
    identity = opened_or_none(lambda: identity_of(person, key))
    if identity is None:
        return None
    values: dict[str, object] = {
        ExportField.CASE_CODE: person.case_code,
        ExportField.GIVEN_NAMES: identity.given_names,
        ExportField.FAMILY_NAMES: identity.family_names,
        ExportField.BIRTH_DATE: identity.birth_date,
        ExportField.DOCUMENT_NUMBER: identity.document_number,
        ExportField.AGE_GROUP: person.age_group,
        ExportField.SEX: person.sex,
        ExportField.NATIONALITY: person.nationality,
        ExportField.LANGUAGES: " ".join(person.languages),
        ExportField.RECEPTION_PLACE: person.reception_place,
        ExportField.ARRIVED_ON: pack.reception.day_of(person.arrived_at),
        ExportField.DESTINATION: person.destination,
    }
    return tuple("" if values[ExportField(name)] is None else str(values[ExportField(name)]) for name in fields)


def _access(returnee_id: UUID, row: PeopleExport) -> Access:
    return Access(
        subject_id=returnee_id,
        kind=AccessKind.READ,
        action="export.read",
        purpose=ACCESS_PURPOSES[ExportPurpose(row.purpose)],
        fields=[*row.fields, f"export.{row.id}", f"recipient.{row.recipient_organization_id}"],
    )


def _parts(found: Sequence[T]) -> Iterator[Sequence[T]]:
    for begin in range(0, len(found), AT_ONCE):
        yield found[begin : begin + AT_ONCE]
