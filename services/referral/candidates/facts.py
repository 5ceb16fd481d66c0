"""The facts for the router's decisions: people, needs, services, places. Plain values, no rows and no events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.events.catalogue.directory import Accreditation, Agreement, OrganizationPublished, ProviderServicePublished
from libs.events.codes import (
    AccessNeed,
    AgeBand,
    DocumentKind,
    NeedCategory,
    ProtectionFlag,
    PublicationStatus,
    Sex,
    Urgency,
)
from libs.events.detail_values import DetailValue
from libs.events.people_codes import AgeGroup, ClientKind
from services.referral.candidates.sites import NOBODY, KeptApart

ADULT_AGE: Final = 18

AGES: Final[dict[AgeBand, tuple[int, int]]] = {
    AgeBand.UNDER_5: (0, 4),
    AgeBand.FROM_5_TO_11: (5, 11),
    AgeBand.FROM_12_TO_17: (12, 17),
    AgeBand.FROM_18_TO_24: (18, 24),
    AgeBand.FROM_25_TO_34: (25, 34),
    AgeBand.FROM_35_TO_59: (35, 59),
    AgeBand.FROM_60: (60, 120),
}
"""The lowest and the highest age of each band, in years."""
_AGES_OF_GROUP: Final[dict[AgeGroup, tuple[int, int]]] = {
    AgeGroup.CHILD: (0, 17),
    AgeGroup.ADULT: (18, 120),
    AgeGroup.UNSURE: (0, 120),
}
"""The same for a person of whom only the group is known: a service must be for every age that the person may have."""


@dataclass(frozen=True, slots=True)
class Person:
    """The routing profile of one returnee."""

    age_band: AgeBand
    sex: Sex
    nationality: str
    documents_held: frozenset[DocumentKind] = frozenset()
    languages: tuple[str, ...] = ("spa",)
    access_needs: frozenset[AccessNeed] = frozenset()
    protection_flags: frozenset[ProtectionFlag] = frozenset()
    avoid_places: tuple[str, ...] = ()
    avoid_organizations: frozenset[UUID] = frozenset()
    avoid_countries: frozenset[str] = frozenset()
    age_group: AgeGroup = AgeGroup.UNSURE
    """What was told or decided. It counts only if the age band is not known."""
    client_kind: ClientKind = ClientKind.RETURNEE

    @property
    def ages(self) -> tuple[int, int]:
        """The lowest and the highest age that this person may have, in years."""
        if ProtectionFlag.AGE_DISPUTED in self.protection_flags:
            return _AGES_OF_GROUP[AgeGroup.UNSURE]
        return _AGES_OF_GROUP[self.age_group] if self.age_band is AgeBand.UNKNOWN else AGES[self.age_band]

    @property
    def may_be_child(self) -> bool:
        """True below 18, and if the age is unsure or disputed (domain P14)."""
        return self.ages[0] < ADULT_AGE

    @property
    def may_be_adult(self) -> bool:
        """True from 18, and if the age is unsure or disputed: nobody is placed among children unless they are one."""
        return self.ages[1] >= ADULT_AGE

    @property
    def age_is_unresolved(self) -> bool:
        """True if it is not known whether this person is a child."""
        return self.may_be_child and self.may_be_adult


@dataclass(frozen=True, slots=True)
class Need:
    """One need that seeks a provider service."""

    need_id: UUID
    category: NeedCategory
    urgency: Urgency
    people: tuple[Person, ...]
    """The people that it is for, the reference person first."""
    people_count: int
    reported_at: datetime
    reception_place: str | None
    destination: str | None
    household_size: int = 1
    """The number of members of the person's household, or 1 if there is no household."""
    stay_together: bool = False
    told_people: int = 0
    """For how many people of the household open needs of this kind were told, each for themselves or together. 0: not
    counted."""
    household_at: frozenset[UUID] = frozenset()
    """Services that are asked for, or serve, others of the household with a need of this kind. Empty if nobody is, or
    if the household need not go to one service."""
    consented: bool = False
    """True if everybody that it is for has given the consent that the category requires, and it is valid now."""
    consented_organizations: frozenset[UUID] = frozenset()
    """If not `consented`: the organisations that the consents of all who have not given it name."""
    approved_for: frozenset[str] = frozenset()
    """The reasons of reviews (`interlocks.ReviewReason`) that an authorised person has approved."""
    ring: int = 0
    """How far the search for this need has widened. It never becomes narrower again."""
    kind: str | None = None
    """What exactly is needed; None if only the category is known."""
    detail_values: Mapping[str, DetailValue] = field(default_factory=dict)
    """The values of coded details of the kind, by detail."""
    refused_by: Mapping[UUID, str] = field(default_factory=dict)
    """Services that declined this need or let its offer expire, with the resulting exclusion code."""
    conflicting_organizations: frozenset[UUID] = frozenset()
    """Organisations that declared a conflict of interest with this person."""
    providers_of_person: frozenset[UUID] = frozenset()
    """Organisations that already serve this person or are asked to."""
    kept_apart: KeptApart = NOBODY
    """From whom its people must be kept apart."""


@dataclass(slots=True)
class Pool:
    """Places of one kind at one service, from the ledger. `free` decreases when a round holds places."""

    pool_id: UUID
    kind: str
    maximum: int
    free: int
    as_of: datetime
    starts_on: date | None = None
    """The first day. Before it, places may be held only if the pack has `held_ahead` for the category."""
    ends_on: date | None = None
    """The last day, inclusive."""


class Share(NamedTuple):
    """A number of places in one pool for people of one need."""

    pool: Pool
    places: int


@dataclass(frozen=True)
class Service:
    """One provider service with its organisation and its answer record."""

    view: ProviderServicePublished
    organization: OrganizationPublished
    pools: Sequence[Pool]
    offers_answered: int = 0
    offers_made: int = 0
    offers_open: int = 0
    """The number of offers to this service that wait for an answer now."""
    is_offered: bool = True
    """False after its provider has said that it no longer offers the service, until it is published again."""

    @cached_property
    def id_text(self) -> str:
        """The id of the service as text. Explanations show it, and it decides the order of equal scores."""
        return str(self.view.provider_service_id)

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages in which the service is offered."""
        return frozenset(self.view.languages)

    @cached_property
    def access(self) -> frozenset[AccessNeed]:
        """The access needs that the service can meet."""
        return frozenset(self.view.access)

    @cached_property
    def scopes(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """The kinds that the service gives, each with the values that it covers of the details that it limits. Empty if
        the provider has not named them."""
        return {
            offered.kind: {covered.detail: frozenset(covered.values) for covered in offered.scope}
            for offered in self.view.kinds
        }

    @cached_property
    def documents_required(self) -> frozenset[DocumentKind]:
        """The documents that a person must already have."""
        return frozenset(self.view.eligibility.documents_required)

    @property
    def is_active(self) -> bool:
        """True if both the service and its organisation are active."""
        return _both_active(self.view.status, self.organization)

    def is_accredited(self, today: date) -> bool:
        """True if the organisation's licence for this category is valid today."""
        return _is_valid(self.organization.accreditations, self.view.category, today)

    def has_agreement(self, today: date) -> bool:
        """True if a data-sharing agreement for this category is valid today (domain P24)."""
        return _is_valid(self.organization.agreements, self.view.category, today)


def may_work(organization: OrganizationPublished, *, category: str, status: str, today: date) -> bool:
    """True if a service of this organisation, category and status is active, accredited and has an agreement today."""
    return (
        _both_active(PublicationStatus(status), organization)
        and _is_valid(organization.accreditations, category, today)
        and _is_valid(organization.agreements, category, today)
    )


def _both_active(status: PublicationStatus, organization: OrganizationPublished) -> bool:
    return status is PublicationStatus.ACTIVE and organization.status is PublicationStatus.ACTIVE


def _is_valid(items: Sequence[Accreditation | Agreement], category: str, today: date) -> bool:
    return any(item.category == category and item.valid_until >= today for item in items)


def opens_between(view: ProviderServicePublished, start: datetime, end: datetime) -> bool:
    """True if the service is open at any time in [start, end), in its own time zone. Without openings: always open."""
    if not view.openings:
        return True
    zone = ZoneInfo(view.timezone)
    first_day = start.astimezone(zone).date()
    days = min((end.astimezone(zone).date() - first_day).days, 7)
    for offset in range(days + 1):
        day = first_day + timedelta(days=offset)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        for opening in view.openings:
            if opening.weekday == day.isoweekday():
                opens = midnight + timedelta(minutes=opening.opens_minute)
                closes = midnight + timedelta(minutes=opening.closes_minute)
                if opens < end and start < closes:
                    return True
    return False


def next_opening(view: ProviderServicePublished, after: datetime) -> datetime | None:
    """When the service opens next after this time, within a week. None if it has no openings."""
    zone = ZoneInfo(view.timezone)
    first_day = after.astimezone(zone).date()
    days = [first_day + timedelta(days=offset) for offset in range(8)]
    found = (
        datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=opening.opens_minute)
        for day in days
        for opening in view.openings
        if opening.weekday == day.isoweekday()
    )
    return min((moment for moment in found if moment > after), default=None)


def covers(area: str, place: str) -> bool:
    """True if the place is in the area. The code of a place begins with the code of its area (OCHA p-codes)."""
    return place.startswith(area)


def overlaps(one: str, other: str) -> bool:
    """True if one of the places is in the other. A place that is published only as its area may be the place itself."""
    return covers(one, other) or covers(other, one)
