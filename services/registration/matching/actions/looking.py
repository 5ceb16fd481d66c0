"""Shows matches with the identity of people, and the arrivals of one person. Each access is recorded."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.linkage.priors import Priors
from services.registration.matching import queries
from services.registration.matching.actions.comparing import compare_now
from services.registration.matching.schemas import (
    ArrivalOfPerson,
    ArrivalsOfPerson,
    ComparedMatch,
    ComparedPerson,
    MatchesOfPerson,
    MatchView,
)
from services.registration.pack import Reception
from services.registration.people.actions.merging import records_of
from services.registration.people.queries import (
    IDENTITY_FIELDS,
    identity_of,
    registered_view,
    returnee,
    visible_to,
)
from services.registration.people.schemas import RegisteredView
from services.registration.people.tables import Returnee
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import Vault


async def look_up_matches_of(
    session: AsyncSession, returnee_id: UUID, *, actor: Actor, reception: Reception, vault: Vault, priors: Priors
) -> MatchesOfPerson:
    """Who may be the same person as this one. A person who has not been compared yet is compared now."""
    row = await returnee(session, returnee_id, actor=actor)
    async with own_work(session):  # everybody is compared, not only those whom the caller sees
        compared = await compare_now(session, row.id, vault=vault, priors=priors)
    items = await queries.matches_of_person(session, row.id, actor=actor, reception=reception)
    await record(session, actor, [_read(row.id, "matches.read", ["match"])])
    return MatchesOfPerson(compared=compared, items=items)


async def compare_match(
    session: AsyncSession, match_id: UUID, *, actor: Actor, reception: Reception, vault: Vault
) -> ComparedMatch:
    """One match with the identity of the people whom the caller may see."""
    found = await queries.pair(session, match_id, actor=actor)
    keys = await data_keys(vault, found.seen)
    view = queries.match_view(found, reception=reception)
    people = [
        ComparedPerson(
            **one.model_dump(),
            identity=None if one.returnee_id is None else identity_of(row, keys[row.id]),
            sex=None if one.returnee_id is None else row.sex,
            destination=None if one.returnee_id is None else row.destination,
        )
        for one, row in zip(view.people, found.people.values(), strict=True)
    ]
    fields = [*IDENTITY_FIELDS, "profile", "match"]
    await record(session, actor, [_read(one, "match.read", fields) for one in sorted(found.seen)])
    return ComparedMatch(**{**view.model_dump(), "people": people})


async def show_match(session: AsyncSession, match_id: UUID, *, actor: Actor, reception: Reception) -> MatchView:
    """One match without identity, for the caller that has just decided it."""
    return queries.match_view(await queries.pair(session, match_id, actor=actor), reception=reception)


async def show_record(session: AsyncSession, returnee_id: UUID, *, actor: Actor) -> RegisteredView:
    """One record without identity, for the caller that has just taken it out of a merge."""
    return registered_view(await returnee(session, returnee_id, actor=actor), actor=actor)


async def look_up_arrivals(session: AsyncSession, returnee_id: UUID, *, actor: Actor) -> ArrivalsOfPerson:
    """The arrivals of a person that the caller may see, newest first."""
    row = await returnee(session, returnee_id, actor=actor)
    async with own_work(session):  # a record that the caller does not see may link two that it sees
        records = await records_of(session, [row.id])
    query = select(Returnee).where(col(Returnee.id).in_(records), visible_to(actor), col(Returnee.erased_at).is_(None))
    rows = (await session.exec(query.order_by(col(Returnee.arrived_at).desc(), col(Returnee.id).desc()))).all()
    await record(session, actor, [_read(one.id, "arrivals.read", ["arrived_at"]) for one in rows])
    return ArrivalsOfPerson(items=[_arrival(one) for one in rows])


def _arrival(row: Returnee) -> ArrivalOfPerson:
    return ArrivalOfPerson(
        returnee_id=row.id,
        case_code=row.case_code or "",
        arrived_at=row.arrived_at,
        reception_place=row.reception_place,
        arrival_batch_id=row.arrival_batch_id,
        merged=row.merged_into is not None,
    )


def _read(subject_id: UUID, action: str, fields: list[str]) -> Access:
    purpose = AccessPurpose.REGISTRATION
    return Access(subject_id=subject_id, kind=AccessKind.READ, action=action, purpose=purpose, fields=fields)
