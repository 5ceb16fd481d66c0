"""Queries of exports, and of the people in them. Row-level security decides which exports and people a caller sees."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work, raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from libs.consents.policy import consent_key
from libs.events.codes import ConsentPurpose, ProtectionFlag, RecipientClass
from services.registration.audit.rules import Actor
from services.registration.consent.queries import grants
from services.registration.exports.rules import (
    ExportDecision,
    ExportField,
    ExportKind,
    ExportPurpose,
    ExportState,
    state_of,
)
from services.registration.exports.schemas import DownloadView, ExportView, ExportWithReason
from services.registration.exports.tables import ExportDownload, PeopleExport
from services.registration.needs.restricted import who_has_any
from services.registration.organizations.queries import standing_of
from services.registration.pack import Reception
from services.registration.people.actions.merging import records_of
from services.registration.people.queries import visible_to
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import MasterKey, Vault

TABLE: Final = "people_export"
_NEEDS = "SELECT returnee_id, array_agg(category) AS needs FROM need WHERE returnee_id = ANY($1) GROUP BY returnee_id"
_RECORDS = """
    SELECT id, household_id,
        $2 = ANY(avoid_organizations) OR $3 = ANY(protection_flags) OR coalesce($4 = ANY(avoid_countries), false)
            AS is_excluded
    FROM returnee WHERE id = ANY($1)
"""


async def export(
    session: AsyncSession, export_id: UUID, *, asked_by: str | None = None, lock: bool = False
) -> PeopleExport:
    """One export; NotFound if the caller may not see it, or if `asked_by` did not ask for it."""
    query = select(PeopleExport).where(PeopleExport.id == export_id).execution_options(populate_existing=True)
    if asked_by is not None:
        query = query.where(PeopleExport.asked_by == asked_by)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound
    return found


async def exports(session: AsyncSession, page: PageRequest, *, waiting: bool) -> Page[ExportView]:
    """Exports that the caller sees, newest first; with `waiting` only those that nobody has decided."""
    query = select(PeopleExport)
    if waiting:
        query = query.where(PeopleExport.kind == ExportKind.IDENTIFIED.value, col(PeopleExport.decision).is_(None))
    if page.after is not None:
        query = query.where(col(PeopleExport.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(PeopleExport.id).desc()).limit(page.limit + 1))).all()
    at = now(session)
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=lambda row: view(row, at=at))


async def asked_since(session: AsyncSession, principal: str, since: datetime) -> int:
    """How many exports a caller has asked for since a moment."""
    query = select(func.count()).select_from(PeopleExport)
    query = query.where(PeopleExport.asked_by == principal, col(PeopleExport.asked_at) >= since)
    return (await session.exec(query)).one()


async def people_of(
    session: AsyncSession, row: PeopleExport, *, actor: Actor, reception: Reception, limit: int
) -> Sequence[tuple[UUID, str, str]]:
    """Up to `limit` people whom the caller sees and who arrived in the period and at the places of an export, each with
    place and month, ordered by these. A merged record is left out: the person continues as another."""
    zone = ZoneInfo(reception.timezone)
    begins = datetime.combine(row.arrived_from, time(), tzinfo=zone)
    ends = datetime.combine(row.arrived_until + timedelta(days=1), time(), tzinfo=zone)
    month = func.to_char(func.timezone(reception.timezone, Returnee.arrived_at), "YYYY-MM")
    query = select(Returnee.id, Returnee.reception_place, month).where(
        visible_to(actor),
        col(Returnee.erased_at).is_(None),
        col(Returnee.merged_into).is_(None),
        col(Returnee.reception_place).in_(row.places),
        col(Returnee.arrived_at) >= begins,
        col(Returnee.arrived_at) < ends,
    )
    found = await session.exec(query.order_by(col(Returnee.reception_place), month, col(Returnee.id)).limit(limit))
    return [(one, str(place), str(of_month)) for one, place, of_month in found.all()]


async def allowing(
    session: AsyncSession, returnee_ids: Sequence[UUID], *, keys: Collection[str], purpose: str, to: UUID | None
) -> list[UUID]:
    """Those of these people who allow it now: with a consent to a class (`keys` of `consent_key`), or with one that
    names the organisation. The order stays."""
    standing = await grants(session, returnee_ids, at=now(session))
    return [
        one
        for one in returnee_ids
        if any(
            (given.recipient_class is not None and consent_key(given.purpose, given.recipient_class) in keys)
            or (to is not None and given.organization_id == to and given.purpose == ConsentPurpose(purpose))
            for given in standing[one]
        )
    ]


async def excluded(session: AsyncSession, returnee_ids: Collection[UUID], to: UUID, *, vault: Vault) -> set[UUID]:
    """Those of these people who exclude the organisation or the state for which it acts (domain P8), or who have a
    restricted need (domain P7), in any of their records."""
    async with own_work(session):  # also in a record that the caller does not see
        root_of = await records_of(session, returnee_ids)
        flag = ProtectionFlag.RESTRICTED_PATH.value
        standing = await standing_of(session, to)
        state = None if standing is None else standing.acts_for
        rows = await (await raw(session)).fetch(_RECORDS, list(root_of), to, flag, state)
        restricted = await who_has_any(session, {row["id"]: row["household_id"] for row in rows}, vault=vault)
    return {root_of[row["id"]] for row in rows if row["is_excluded"] or row["id"] in restricted}


async def rows_of(session: AsyncSession, returnee_ids: Sequence[UUID]) -> list[Returnee]:
    """The rows of these people whom the caller sees, in the order of the ids."""
    query = select(Returnee).where(col(Returnee.id).in_(returnee_ids))
    found = {row.id: row for row in (await session.exec(query)).all()}
    return [found[one] for one in returnee_ids if one in found]


async def needs_of(session: AsyncSession, returnee_ids: Collection[UUID]) -> Mapping[UUID, list[str]]:
    """The categories of the needs of these people that the caller sees; the store of restricted needs is not read."""
    rows = await (await raw(session)).fetch(_NEEDS, list(returnee_ids))
    return {row["returnee_id"]: row["needs"] for row in rows}


async def downloads_of(session: AsyncSession, export_id: UUID) -> list[DownloadView]:
    """All downloads of an export, oldest first."""
    query = select(ExportDownload).where(ExportDownload.export_id == export_id).order_by(col(ExportDownload.id))
    return [
        DownloadView(at=row.at, who=row.who, people_count=row.people_count, left_out=row.left_out)
        for row in (await session.exec(query)).all()
    ]


def state(row: PeopleExport, *, at: datetime) -> ExportState:
    """The state of an export at a moment."""
    return state_of(row.decision, asked_at=row.asked_at, ends_at=row.ends_at, at=at)


def view(row: PeopleExport, *, at: datetime) -> ExportView:
    """An export in codes and times."""
    return ExportView(
        id=row.id,
        version=row.version,
        kind=ExportKind(row.kind),
        state=state(row, at=at),
        purpose=ExportPurpose(row.purpose),
        recipient_organization_id=row.recipient_organization_id,
        recipient_class=None if row.recipient_class is None else RecipientClass(row.recipient_class),
        fields=[ExportField(code) for code in row.fields],
        arrived_from=row.arrived_from,
        arrived_until=row.arrived_until,
        reception_places=row.places,
        downloads=row.downloads,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        decision=None if row.decision is None else ExportDecision(row.decision),
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        ends_at=row.ends_at,
    )


def reason_of(row: PeopleExport, master: MasterKey) -> str | None:
    """The written reason; None after the end."""
    if row.reason_sealed is None:
        return None
    return master.open_words(row.reason_sealed, table=TABLE, column="reason", row_id=row.id)


async def with_reason(session: AsyncSession, row: PeopleExport, *, master: MasterKey) -> ExportWithReason:
    """An export with its reason and its downloads."""
    told = view(row, at=now(session)).model_dump()
    return ExportWithReason(**told, reason=reason_of(row, master), downloaded=await downloads_of(session, row.id))
