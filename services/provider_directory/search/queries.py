"""Finds services that take part in routing, with one statement over their listings and declarations.

Each word of a text must appear in at least one of these places: the service's name or description, the names of its
organisation, the name or description of its location, its town, or the name of its department. Each place has its own
index, and the results are united. Hidden addresses are not searched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    SQLColumnExpression,
    String,
    Values,
    and_,
    case,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    union,
    values,
)
from sqlalchemy.orm import aliased
from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from libs.chassis.database import now
from libs.events.catalogue.directory import ProviderServicePublished
from libs.events.codes import PublicationStatus
from services.provider_directory.capacity.tables import Capacity, ServiceCapacity
from services.provider_directory.listings import queries as listings
from services.provider_directory.listings.tables import (
    Address,
    Language,
    Location,
    ProviderService,
    Schedule,
    ServiceArea,
)
from services.provider_directory.organizations.rules import Rights
from services.provider_directory.organizations.tables import Organization
from services.provider_directory.search import eligibility, rules
from services.provider_directory.search.rules import MatchReason
from services.provider_directory.search.schemas import FoundService, SearchBody
from services.provider_directory.words import ACCENTED, PLAIN, words_of

Services = SelectOfScalar[ProviderService]

_TIMEZONE = func.coalesce(col(ProviderService.timezone), col(Location.timezone))


@dataclass(frozen=True, slots=True)
class Hit:
    """A service that was found, with its rank in the order of results."""

    rank: int
    found: FoundService

    @property
    def cursor(self) -> list[str]:
        """The cursor at which the next page continues."""
        return [str(self.rank), self.found.service.name, str(self.found.service.id)]


async def matching(
    session: AsyncSession,
    wanted: SearchBody,
    cursor: Sequence[str] | None,
    *,
    limit: int,
    rights: Rights,
    place_names: Mapping[str, str],
) -> list[Hit]:
    """Up to `limit` services after the cursor that this caller may see and that match all criteria."""
    order = literal(0) if wanted.text is None else rank(wanted.text)
    statement = _by_codes(_in_routing(listings.seen(rights)), wanted)
    if wanted.text is not None:
        statement = statement.where(is_found(wanted.text, place_names))
    if wanted.accepts_now or wanted.open_at is not None:
        local = await _local_times(session, wanted.open_at or now(session))
        statement = statement.join(local, local.c.timezone == _TIMEZONE)
        if wanted.open_at is not None:
            statement = statement.where(_is_open(local))
        if wanted.accepts_now:
            statement = statement.where(_has_places(local, for_people=len(wanted.for_people or ())))
    if wanted.for_people is not None:
        statement = statement.where(*eligibility.admits(wanted.for_people))
    rows = (await session.exec(_ranked(statement, order, cursor).limit(limit))).all()
    found = await _found(session, wanted, [(service, place) for service, place in rows], rights)
    return [Hit(place, one) for (_, place), one in zip(rows, found, strict=True)]


def _ranked(found: Services, order: ColumnElement[int], cursor: Sequence[str] | None) -> "Select[ProviderService, int]":
    """The services that were found, ordered by rank, name and id, after the cursor if there is one."""
    name, service_id = col(ProviderService.name), col(ProviderService.id)
    ids = found.order_by(None).with_only_columns(service_id)
    ranked = (
        select(ProviderService, order)
        .join(Organization, col(Organization.id) == col(ProviderService.organization_id))
        .where(service_id.in_(ids))
        .order_by(order, name, service_id)
    )
    if cursor is None:
        return ranked
    rank_before, name_before, id_before = cursor if len(cursor) == 3 else ("0", *cursor)
    return ranked.where(tuple_(order, name, service_id) > tuple_(int(rank_before), name_before, UUID(id_before)))


def _in_routing(statement: Services) -> Services:
    active = PublicationStatus.ACTIVE.value
    joined = statement.join(Organization, col(Organization.id) == col(ProviderService.organization_id)).outerjoin(
        Location, col(Location.id) == col(ProviderService.location_id)
    )
    return joined.where(ProviderService.status == active, Organization.status == active)


def _by_codes(statement: Services, wanted: SearchBody) -> Services:
    if wanted.category is not None:
        statement = statement.where(ProviderService.category == wanted.category)
    if wanted.kind is not None:
        statement = statement.where(col(ProviderService.kinds).contains([{"kind": wanted.kind}]))
    if wanted.service_type is not None:
        statement = statement.where(ProviderService.service_type == wanted.service_type)
    if wanted.language is not None:
        spoken = and_(col(Language.service_id) == col(ProviderService.id), col(Language.code) == wanted.language)
        statement = statement.where(exists().where(spoken))
    if wanted.place is not None:
        area = col(ServiceArea.service_id) == col(ProviderService.id)
        # Place codes are nested by prefix (OCHA p-codes). A service without an area serves everybody.
        around = exists().where(and_(area, func.starts_with(wanted.place, col(ServiceArea.place))))
        statement = statement.where(or_(around, ~exists().where(area)))
    return statement


async def _local_times(session: AsyncSession, at: datetime) -> Values:
    """A table of the local time in every listed time zone."""
    zones = await session.exec(
        select(_TIMEZONE)
        .select_from(ProviderService)
        .outerjoin(Location, col(Location.id) == col(ProviderService.location_id))
        .distinct()
    )
    moments = rules.local_moments([*zones.all(), "UTC"], at=at, now=now(session))
    return values(
        column("timezone", String), column("weekday", Integer), column("minute", Integer), column("today", Date),
        name="local_time",
    ).data([(item.timezone, item.weekday, item.minute, item.today) for item in moments])  # fmt: skip


def _is_open(local: Values) -> ColumnElement[bool]:
    own = col(Schedule.service_id) == col(ProviderService.id)
    of_location = col(Schedule.location_id) == col(ProviderService.location_id)
    schedule = case((col(ProviderService.own_schedule), own), else_=of_location)
    covers = and_(
        col(Schedule.weekday) == local.c.weekday,
        col(Schedule.opens_minute) <= local.c.minute,
        col(Schedule.closes_minute) > local.c.minute,
    )
    return or_(exists().where(and_(schedule, covers)), ~exists().where(schedule))


def _has_places(local: Values, *, for_people: int) -> ColumnElement[bool]:
    """Whether free places without doubt exist: one, or one for each person. They may be in several pools."""
    free = (
        select(func.coalesce(func.sum(ServiceCapacity.available), 0))
        .where(
            col(ServiceCapacity.service_id) == col(ProviderService.id),
            col(ServiceCapacity.declared),
            func.coalesce(col(ServiceCapacity.starts_on), local.c.today) <= local.c.today,
            func.coalesce(col(ServiceCapacity.ends_on), local.c.today) >= local.c.today,
        )
        .correlate(ProviderService, local)
        .scalar_subquery()
    )
    doubted = and_(col(Capacity.service_id) == col(ProviderService.id), col(Capacity.refresh_requested_at).is_not(None))
    return and_(free >= max(1, for_people), ~exists().where(doubted))


async def _found(
    session: AsyncSession, wanted: SearchBody, ranked: Sequence[tuple[ProviderService, int]], rights: Rights
) -> list[FoundService]:
    services = [service for service, _ in ranked]
    owners = {service.organization_id for service in services}
    names = dict(
        (await session.exec(select(Organization.id, Organization.name).where(col(Organization.id).in_(owners)))).all()
    )
    free = await _available(session, [service.id for service in services])
    return [
        FoundService(
            service=listing.seen_by(rights),
            organization_name=names[listing.service.organization_id],
            available=free.get(listing.service.id, (None, None))[0],
            as_of=free.get(listing.service.id, (None, None))[1],
            matches=_matches(wanted, listing.published(), rank=place),
        )
        for (_, place), listing in zip(ranked, await listings.listings(session, services), strict=True)
    ]


def _matches(wanted: SearchBody, view: ProviderServicePublished, *, rank: int) -> list[MatchReason]:
    """The criteria of the search, each with how this result meets it."""
    found = [] if wanted.text is None else [rules.RANKS[rank]]
    for told, reason in (
        (wanted.category, MatchReason.CATEGORY),
        (wanted.kind, MatchReason.KIND),
        (wanted.service_type, MatchReason.SERVICE_TYPE),
    ):
        found += [reason] if told is not None else []
    if wanted.place is not None:
        found += rules.place_matches(wanted.place, catchment=view.catchment, located=view.place)
    found += [MatchReason.LANGUAGE] if wanted.language is not None else []
    if wanted.open_at is not None:
        found.append(MatchReason.OPEN_THEN if view.openings else MatchReason.ALWAYS_OPEN)
    found += [MatchReason.FREE_PLACES] if wanted.accepts_now else []
    return found + eligibility.matches(wanted.for_people or ())


async def _available(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, tuple[int, datetime]]:
    places = func.coalesce(func.sum(ServiceCapacity.available).filter(col(ServiceCapacity.declared)), 0)
    statement = (
        select(Capacity.service_id, places, Capacity.as_of)
        .outerjoin(ServiceCapacity, col(ServiceCapacity.service_id) == col(Capacity.service_id))
        .where(col(Capacity.service_id).in_(ids))
        .group_by(col(Capacity.service_id))
    )
    return {row[0]: (row[1], row[2]) for row in (await session.exec(statement)).all()}


_OWN_NAME: ColumnElement[Any] = literal_column(words_of("(service.name)::text"))


def is_found(text: str, place_names: Mapping[str, str]) -> ColumnElement[bool]:
    """Whether each word of one reading of the text appears in at least one of the places."""
    readings = [
        and_(*(col(ProviderService.id).in_(_having(word, place_names)) for word in reading))
        for reading in rules.readings(text)
    ]
    return or_(*readings) if readings else false()


def rank(text: str) -> ColumnElement[int]:
    """The rank: 0 if the service's own name has all words, 1 if its organisation's names have them, otherwise 2."""
    readings = [_query(reading) for reading in rules.readings(text)]
    if not readings:
        return literal(0)
    named = or_(*(_OWN_NAME.op("@@")(query) for query in readings))
    of_named = or_(*(col(Organization.words).op("@@")(query) for query in readings))
    return case((named, 0), (of_named, 1), else_=2)


def _query(words: Sequence[str]) -> ColumnElement[str]:
    written = " & ".join(map(rules.word_query, words))
    return func.to_tsquery("simple", func.translate(func.lower(literal(written, String)), ACCENTED, PLAIN))


def _having(word: str, place_names: Mapping[str, str]) -> CompoundSelect[tuple[UUID]]:
    query, service = _query([word]), aliased(ProviderService)
    places = rules.places_called(word, place_names)
    listed = select(col(service.id))
    shown = and_(col(service.address_hidden).is_(False), col(Location.address_hidden).is_(False))
    located = listed.join(Location, col(Location.id) == col(service.location_id))
    parts = [
        listed.where(col(service.words).op("@@")(query)),
        listed.join(Organization, col(Organization.id) == col(service.organization_id)).where(
            col(Organization.words).op("@@")(query)
        ),
        located.where(shown, col(Location.words).op("@@")(query)),
        located.join(Address, col(Address.location_id) == col(Location.id)).where(
            shown, col(Address.words).op("@@")(query)
        ),
        listed.join(Address, col(Address.service_id) == col(service.id)).where(
            col(service.address_hidden).is_(False), col(Address.words).op("@@")(query)
        ),
    ]
    if places:
        parts.append(listed.where(_within(col(service.place), places)))
        parts.append(located.where(col(service.place).is_(None), _within(col(Location.place), places)))
    return union(*parts)


def _within(place: SQLColumnExpression[Any], codes: Sequence[str]) -> ColumnElement[bool]:
    # Place codes are nested by prefix (OCHA p-codes).
    return or_(*(place.like(f"{code}%") for code in codes))
