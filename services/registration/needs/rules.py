"""Finds the faults of needs before they are stored, and orders them by their prerequisites (pure)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from libs.chassis.errors import FieldError
from libs.events.catalogue.arrivals import NeedTold
from libs.events.codes import NeedCategory, NeedKind, Urgency
from libs.events.detail_values import ToldDetail
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.told import category_faults, detail_faults, kind_faults
from services.registration.own_needs import OwnNeeds


class NeedStatus(StrEnum):
    """The status of a need at registration. Referral knows its further state."""

    REPORTED = "reported"
    WITHDRAWN = "withdrawn"


class SecondNeedReason(StrEnum):
    """Why a person has two open needs of one category and kind, as a desk has decided."""

    ANOTHER_PLACE = "another_place"
    ANOTHER_TIME = "another_time"
    ANOTHER_SERVICE = "another_service"


BY_URGENCY = (Urgency.EMERGENCY, Urgency.URGENT, Urgency.NORMAL)
"""The urgencies, highest first."""


def is_more_urgent(one: Urgency, than: Urgency) -> bool:
    """Whether the first urgency is higher than the second."""
    return BY_URGENCY.index(one) < BY_URGENCY.index(than)


@dataclass(frozen=True, slots=True)
class ToldNeed:
    """The data of a reported need that are checked, and that decide on its position among the others."""

    category: NeedCategory
    people_count: int
    after_category: NeedCategory | None
    kind: NeedKind | None = None
    detail_values: Sequence[ToldDetail] = ()
    after_kind: NeedKind | None = None


def told_need(need: NeedTold) -> ToldNeed:
    """The data of a reported need that are checked before it is stored."""
    return ToldNeed(
        category=need.category,
        people_count=need.people_count,
        after_category=need.after_category,
        kind=need.kind,
        detail_values=need.detail_values,
        after_kind=need.after_kind,
    )


@dataclass(frozen=True, slots=True)
class KnownNeeds:
    """The person's open needs that may be a prerequisite: the newest of each category and of each kind."""

    of_category: Mapping[NeedCategory, UUID]
    of_kind: Mapping[NeedKind, UUID]


NOTHING_KNOWN = KnownNeeds({}, {})


def need_faults(
    needs: Sequence[ToldNeed],
    *,
    known: KnownNeeds,
    restricted: Collection[NeedCategory],
    has_household: bool,
    taxonomy: Taxonomy,
    pointer: str,
) -> list[FieldError]:
    """The faults of needs that are to be reported.

    The category must be in the taxonomy, a kind must be one of the category, and its details must be possible for the
    kind. A need of more than one person requires a household. A prerequisite must be a need of the person. No need may
    be its own prerequisite. An ordinary need never waits for a restricted one, because its waiting would reveal the
    other need to everybody.
    """
    faults = []
    for place, need in enumerate(needs):
        where = f"{pointer}/{place}"
        faults += kind_and_detail_faults(
            need.kind, need.detail_values, category=need.category, taxonomy=taxonomy, at=where
        )
        if need.people_count > 1 and not has_household:
            faults.append(
                FieldError(
                    f"{where}/people_count", "household-required", "A need of several people requires a household."
                )
            )
        faults += _prerequisite_faults(needs, place, known=known, restricted=restricted, taxonomy=taxonomy, at=where)
    return faults


def kind_and_detail_faults(
    kind: NeedKind | None,
    detail_values: Sequence[ToldDetail],
    *,
    category: NeedCategory,
    taxonomy: Taxonomy,
    at: str,
) -> list[FieldError]:
    """The faults of a need's category, of its kind, and of its details: the first of these that has any."""
    faults = category_faults(taxonomy, category, pointer=f"{at}/category")
    if not faults and kind is not None:
        faults = kind_faults(taxonomy, kind, category=category, pointer=f"{at}/kind")
    return faults or detail_faults(taxonomy, kind, detail_values, pointer=f"{at}/detail_values")


def _prerequisite_faults(
    needs: Sequence[ToldNeed],
    place: int,
    *,
    known: KnownNeeds,
    restricted: Collection[NeedCategory],
    taxonomy: Taxonomy,
    at: str,
) -> list[FieldError]:
    need = needs[place]
    if need.after_category is None and need.after_kind is None:
        return []
    pointer = f"{at}/after_category" if need.after_kind is None else f"{at}/after_kind"
    if need.after_kind is not None and need.after_category is not None:
        return [FieldError(pointer, "one-prerequisite", "Name the prerequisite by its category or by its kind.")]
    wrong = (
        category_faults(taxonomy, need.after_category, pointer=pointer)
        if need.after_kind is None
        else kind_faults(taxonomy, need.after_kind, category=None, pointer=pointer, also_deprecated=True)
    )
    if wrong:
        return wrong
    category = need.after_category if need.after_kind is None else taxonomy.kinds[need.after_kind].category
    if category in restricted and need.category not in restricted:
        return [prerequisite_fault(pointer)]
    if _waits_for_itself(needs, place):
        return [FieldError(pointer, "no-circle", "A need cannot be its own prerequisite.")]
    if prerequisite(needs, place) is None and known_prerequisite(need, known) is None:
        what = "category" if need.after_kind is None else "kind"
        return [FieldError(pointer, "need-known", f"The person has no open need of that {what}.")]
    return []


def own_needs(categories: OwnNeeds, *, child_alone: bool, perhaps_unlawful: bool) -> dict[NeedCategory, Urgency]:
    """The needs that a person has by what they are or tell, each with its urgency: a child who is alone needs
    protection at once, and who tells of signs of an unlawful return, or fears to be returned, needs legal help."""
    asked = (
        (categories.child_alone, child_alone, Urgency.EMERGENCY),
        (categories.unlawful_return, perhaps_unlawful, Urgency.URGENT),
    )
    return {category: urgency for category, is_asked, urgency in asked if is_asked and category is not None}


def prerequisite_fault(pointer: str) -> FieldError:
    """The refusal of an ordinary need that would wait for a restricted one, whether that one exists or not."""
    return FieldError(
        pointer, "ordinary-prerequisite", "The prerequisite of a need cannot be of a restricted category."
    )


def prerequisite(needs: Sequence[ToldNeed], place: int) -> int | None:
    """The position of the need that this one waits for, or None if it is not in the list.

    If the prerequisite is named by its category, a need of the category without a kind comes before one with a kind,
    and another need before the need itself.
    """
    need = needs[place]
    if need.after_kind is not None:
        found = [n for n, other in enumerate(needs) if other.kind == need.after_kind]
    elif need.after_category is not None:
        found = [n for n, other in enumerate(needs) if other.category == need.after_category]
        found.sort(key=lambda n: needs[n].kind is not None)
    else:
        return None
    return next((n for n in found if n != place), found[0] if found else None)


def known_prerequisite(need: ToldNeed, known: KnownNeeds) -> UUID | None:
    """The earlier need of the person that this one waits for, or None if there is none."""
    if need.after_kind is not None:
        return known.of_kind.get(need.after_kind)
    return None if need.after_category is None else known.of_category.get(need.after_category)


def _waits_for_itself(needs: Sequence[ToldNeed], place: int) -> bool:
    seen: set[int] = set()
    here = prerequisite(needs, place)
    while here is not None and here not in seen:
        if here == place:
            return True
        seen.add(here)
        here = prerequisite(needs, here)
    return False


def in_order(needs: Sequence[ToldNeed]) -> list[int]:
    """The positions of the needs, ordered so that each comes after its prerequisite; otherwise in the order of the
    report."""
    placed: list[int] = []
    waiting = list(range(len(needs)))
    while waiting:
        ready = [place for place in waiting if prerequisite(needs, place) not in waiting] or waiting
        placed += ready
        waiting = [place for place in waiting if place not in ready]
    return placed
