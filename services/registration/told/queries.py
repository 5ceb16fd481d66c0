"""The numbers of repeated questions."""

from uuid import UUID

from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.told.rules import NETWORK
from services.registration.told.schemas import AskedAgainView
from services.registration.told.tables import AskedAgain


async def asked_again(session: AsyncSession, page: PageRequest) -> Page[AskedAgainView]:
    """How often each organisation wanted to ask each question again."""
    key = (col(AskedAgain.organization_id), col(AskedAgain.instrument), col(AskedAgain.question))
    query = select(AskedAgain)
    if page.after is not None:
        organization, instrument, question = page.after
        query = query.where(tuple_(*key) > (UUID(organization), instrument, question))
    rows = (await session.exec(query.order_by(*key).limit(page.limit + 1))).all()
    return page_of(
        rows,
        request=page,
        cursor_of=lambda row: [str(row.organization_id), row.instrument, row.question],
        view=lambda row: AskedAgainView(
            organization_id=None if row.organization_id == NETWORK else row.organization_id,
            instrument=row.instrument,
            question=row.question,
            times=row.times,
        ),
    )
