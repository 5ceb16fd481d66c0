"""Adds what a service has issued to the facts about a person, so that what waited for it can go on."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.catalogue.registration import ReturneeChanged
from libs.events.outbox import append
from services.registration.people import queries
from services.registration.people.actions.field_changes import note_changes
from services.registration.people.tables import Returnee


async def hold_documents(session: AsyncSession, issued: Mapping[UUID, Sequence[str]]) -> None:
    """Add these documents to `documents_held`, by person, and publish the changed profiles. What a person holds already
    changes nothing, and nothing is stored about an erased person."""
    if not issued:
        return
    query = select(Returnee).where(col(Returnee.id).in_(sorted(issued)), col(Returnee.erased_at).is_(None))
    locking = query.order_by(col(Returnee.id)).with_for_update(key_share=True)
    rows = (await session.exec(locking.execution_options(populate_existing=True))).all()
    changed = [row for row in rows if not set(issued[row.id]) <= set(row.documents_held)]
    for row in changed:
        new = dict.fromkeys([*row.documents_held, *issued[row.id]])
        row.documents_held, row.version = list(new), row.version + 1
        row.told_version = row.version
        session.add(row)
    await session.flush()
    events = [ReturneeChanged.model_validate(queries.profile_fields(row)) for row in changed]
    await append(session, events, traceparents=[row.traceparent for row in changed])
    await note_changes(session, [row.id for row in changed], ["/profile/documents_held"])
