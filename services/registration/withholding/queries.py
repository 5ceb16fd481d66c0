"""Queries of excluded people and reasons as they are shown."""

from collections.abc import Collection
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.events.codes import ConsentPurpose
from services.registration.audit.rules import Actor
from services.registration.consent.queries import grants
from services.registration.excluded_people import queries as excluded_people
from services.registration.people.queries import visible_among
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import DataKey
from services.registration.withholding.rules import About
from services.registration.withholding.schemas import ExcludedPersonView, ReasonView
from services.registration.withholding.tables import WithholdingReason

TABLE = "withholding_reason"


class ToldReason(BaseModel):
    """What is stored sealed of a reason."""

    reason: str
    reason_words: str | None = None


async def excluded(session: AsyncSession, returnee_id: UUID, *, key: DataKey, actor: Actor) -> list[ExcludedPersonView]:
    """The people whom this person excludes, in the order in which they were told."""
    rows = await excluded_people.excluded_by(session, [returnee_id])
    linked = {row.other_returnee_id for row in rows if row.other_returnee_id is not None}
    visible = {one.id for one in await visible_among(session, linked, actor=actor)}
    views = []
    for row in rows:
        told = excluded_people.told_of(row, key)
        views.append(
            ExcludedPersonView(
                id=row.id,
                name=told.name,
                returnee_id=row.other_returnee_id if row.other_returnee_id in visible else None,
                is_registered=row.other_returnee_id is not None,
                relation=told.relation,
                reason=told.reason,
                reason_words=told.reason_words,
                told_at=row.told_at,
            )
        )
    return views


async def reasons(session: AsyncSession, person: Returnee, *, key: DataKey) -> list[ReasonView]:
    """The reasons of what the person withholds now. What they allow again needs no reason."""
    query = select(WithholdingReason).where(WithholdingReason.returnee_id == person.id)
    rows = (await session.exec(query.order_by(col(WithholdingReason.about), col(WithholdingReason.value)))).all()
    withheld = {about: await withheld_values(session, person, about) for about in {About(row.about) for row in rows}}
    return [_view(row, key) for row in rows if row.value in withheld[About(row.about)]]


def _view(row: WithholdingReason, key: DataKey) -> ReasonView:
    column = f"told.{row.about}.{row.value}"
    told = ToldReason.model_validate_json(key.open(row.told_sealed, table=TABLE, column=column))
    return ReasonView(
        about=About(row.about),
        value=row.value,
        reason=told.reason,
        reason_words=told.reason_words,
        told_at=row.told_at,
    )


async def withheld_values(session: AsyncSession, person: Returnee, about: About) -> Collection[str]:
    """The values of this kind that the person withholds now."""
    if about is About.PURPOSE:
        given = (await grants(session, [person.id], at=now(session)))[person.id]
        return set(ConsentPurpose) - {grant.purpose for grant in given}
    return {
        About.ORGANIZATION: [str(one) for one in person.avoid_organizations],
        About.PLACE: person.avoid_places,
        About.COUNTRY: person.avoid_countries,
    }[about]
