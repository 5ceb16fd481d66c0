"""Which services a text finds, and which of them first.

Each word must stand somewhere: in the service's name or description, in the names of its organisation, in what its
location or its town is called, or in the name of the department in which it is. Each of these places has an index of
its own; a service is found by their union. Hidden addresses are not searched.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    SQLColumnExpression,
    String,
    and_,
    case,
    false,
    func,
    literal,
    literal_column,
    or_,
    union,
)
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from services.provider_directory.listings.tables import Address, Location, ProviderService
from services.provider_directory.organizations.tables import Organization
from services.provider_directory.search import rules
from services.provider_directory.words import ACCENTED, PLAIN, words_of

_OWN_NAME: ColumnElement[Any] = literal_column(words_of("(service.name)::text"))


def is_found(text: str, place_names: Mapping[str, str]) -> ColumnElement[bool]:
    """Whether each word of a reading of the text stands somewhere."""
    readings = [
        and_(*(col(ProviderService.id).in_(_having(word, place_names)) for word in reading))
        for reading in rules.readings(text)
    ]
    return or_(*readings) if readings else false()


def rank(text: str) -> ColumnElement[int]:
    """Whose own name has all words comes first, then whose organisation's has, then all others."""
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
