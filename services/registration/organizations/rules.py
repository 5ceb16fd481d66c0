"""The rules about the standing of an organisation (pure)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol
from uuid import UUID

from libs.chassis.errors import FieldError
from libs.events.codes import ConsentPurpose, PublicationStatus


class Dated(Protocol):
    """A licence or agreement for a category."""

    @property
    def category(self) -> str:
        """The category for which it is valid."""
        ...

    @property
    def valid_until(self) -> date:
        """Its last day."""
        ...


def last_days(accreditations: Iterable[Dated], agreements: Iterable[Dated]) -> dict[str, str]:
    """The last day on which both a licence and an agreement are valid, by category."""
    licensed, agreed = _latest(accreditations), _latest(agreements)
    return {category: min(licensed[category], agreed[category]).isoformat() for category in licensed.keys() & agreed}


def may_be_named(valid_until: Mapping[str, str], *, restricted: Collection[str]) -> bool:
    """Whether a person's record may name the organisation. It may not name one that serves restricted categories only,
    because the name would say which need the person has (domain P7)."""
    return not valid_until.keys() <= set(restricted)


@dataclass(frozen=True, slots=True)
class Nameable:
    """The organisations that a consent may name, and for which purposes."""

    purposes: frozenset[ConsentPurpose] = frozenset()
    statuses: Mapping[UUID, PublicationStatus] = field(default_factory=dict)
    """By organisation. One that is missing is not known here."""


def organization_faults(
    *, purpose: ConsentPurpose, organization_id: UUID | None, nameable: Nameable, pointer: str
) -> list[FieldError]:
    """The faults of the organisation that a consent names."""
    if organization_id is None:
        return []
    faults, place = [], f"{pointer}/recipient_organization_id"
    if purpose not in nameable.purposes:
        detail = "A consent for this purpose is for a recipient class; it cannot name one organisation."
        faults.append(FieldError(f"{pointer}/purpose", "purpose-of-offers", detail))
    status = nameable.statuses.get(organization_id)
    if status is None:
        detail = "The directory has published no such organisation with a licence and an agreement."
        faults.append(FieldError(place, "known-organization", detail))
    elif status is not PublicationStatus.ACTIVE:
        faults.append(FieldError(place, "active-organization", "This organisation does not take part at present."))
    return faults


def _latest(given: Iterable[Dated]) -> dict[str, date]:
    latest: dict[str, date] = {}
    for one in given:
        latest[one.category] = max(one.valid_until, latest.get(one.category, one.valid_until))
    return latest
