"""Which services may accept the people of a search, as conditions on their rows.

The rules are those of routing (`services/referral/candidates`), with one difference: a trait that is omitted excludes
nothing, because a caseworker who searches may not know everything about a person. There is one condition for each
trait, however many people there are.
"""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    String,
    all_,
    and_,
    cast,
    exists,
    func,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from services.provider_directory.listings.tables import Location, ProviderService, RequiredDocument
from services.provider_directory.search.rules import MatchReason, ages_of, must_match_sex
from services.provider_directory.search.schemas import PersonTraits

_CODES = ARRAY(String)


def admits(people: Sequence[PersonTraits]) -> list[SQLColumnExpression[bool]]:
    """The conditions for a service that may accept all of these people together."""
    found = list(_limits(people))
    held = people[0].documents_held
    if held is not None:
        lacking = and_(
            col(RequiredDocument.service_id) == col(ProviderService.id),
            col(RequiredDocument.document) != all_(cast(held, _CODES)),
        )
        found.append(~exists().where(lacking))
    return found


def matches(people: Sequence[PersonTraits]) -> list[MatchReason]:
    """The traits that were told, as reasons for a result."""
    told = (
        (any(person.sex is not None for person in people), MatchReason.SEX),
        (any(_ages(people)), MatchReason.AGE),
        (any(person.nationality is not None for person in people), MatchReason.NATIONALITY),
        (len(people) > 1, MatchReason.HOUSEHOLD),
        (any(person.unaccompanied_child for person in people), MatchReason.UNACCOMPANIED),
        (bool(people) and people[0].documents_held is not None, MatchReason.DOCUMENTS),
        (any(person.access_needs for person in people), MatchReason.ACCESS),
    )
    return [reason for is_told, reason in told if is_told]


def _ages(people: Sequence[PersonTraits]) -> list[tuple[int, int]]:
    told = (ages_of(age=person.age, group=person.age_group) for person in people)
    return [ages for ages in told if ages is not None]


def _limits(people: Sequence[PersonTraits]) -> Iterator[SQLColumnExpression[bool]]:
    if len(people) > 1:
        yield col(ProviderService.households)
    if any(person.unaccompanied_child for person in people):
        yield col(ProviderService.unaccompanied_children)
    ages = _ages(people)
    if ages:
        youngest, oldest = min(last for _, last in ages), max(first for first, _ in ages)
        yield func.coalesce(col(ProviderService.minimum_age), 0) <= youngest
        yield func.coalesce(col(ProviderService.maximum_age), oldest) >= oldest
    sexes = {
        person.sex.value
        for person in people
        if person.sex is not None
        and must_match_sex(ages_of(age=person.age, group=person.age_group), people=len(people))
    }
    if sexes:
        yield _is_empty_or_has(col(ProviderService.sexes), sexes)
    nationalities = {person.nationality for person in people if person.nationality is not None}
    if nationalities:
        yield _is_empty_or_has(col(ProviderService.nationalities), nationalities)
    needs = {need.value for person in people for need in person.access_needs}
    if needs:
        access = func.coalesce(col(ProviderService.access), col(Location.access))
        yield access.op("@>")(cast(sorted(needs), _CODES))


def _is_empty_or_has(codes: SQLColumnExpression[list[str]], wanted: Iterable[str]) -> ColumnElement[bool]:
    return or_(func.cardinality(codes) == 0, codes.op("@>")(cast(sorted(wanted), _CODES)))
