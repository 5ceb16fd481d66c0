"""The needs, refusals and consents of the invented people, in shares of those who can have the need (pure).

The country pack's `demo.yaml` gives the categories, their shares, and the order of needs that depend on each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from deploy.demo.people import Person, Standing
from deploy.demo.shares import some
from deploy.packs.demo_data import AdultNeed, Demo, Group, Needs
from libs.events.catalogue.arrivals import NeedTold
from libs.events.codes import IdentityDocumentStatus, NeedCategory, NeedKind, Urgency

REFUSING_SHARE: Final = 0.06
"""The share of adults who refuse to share data with providers; no basic service may depend on it (domain P3)."""
NO_CONTACT_SHARE: Final = 0.2
"""The share of all people who cannot be reached safely."""


@dataclass(frozen=True, slots=True)
class Told:
    """The answers of one person at intake: needs, consent to referral, and whether there is a safe contact."""

    person: Person
    needs: tuple[NeedTold, ...]
    consents_to_referral: bool
    has_safe_contact: bool


def tell(people: list[Person], *, sample: Demo, seed: int) -> list[Told]:
    """The answers of each of these people; the same seed gives the same answers."""
    random = Random(seed)  # noqa: S311 - a demo's dice, no secret
    adults = [person for person in people if person.standing is Standing.ADULT]
    wants = {
        category: _who_wants(need, adults, sample.airport, random) for category, need in sample.needs.adults.items()
    }
    refusing = {person.number for person in some(adults, REFUSING_SHARE, random)}
    unreachable = {person.number for person in some(people, NO_CONTACT_SHARE, random)}
    return [
        Told(
            person=person,
            needs=_needs(person, sample.needs, wants, random),
            consents_to_referral=person.number not in refusing,
            has_safe_contact=person.number not in unreachable,
        )
        for person in people
    ]


def _who_wants(need: AdultNeed, adults: list[Person], airport: str, random: Random) -> set[int]:
    """The `number` of each person who reports this need."""
    group = {
        Group.EVERYBODY: adults,
        Group.AWAY_FROM_AIRPORT: [one for one in adults if one.destination != airport],
        Group.WITHOUT_PAPERS: [one for one in adults if one.papers is not IdentityDocumentStatus.HELD],
    }[need.of]
    wanting = {person.number for person in some(group, need.share, random)}
    if need.of_all_with_access_needs:
        wanting |= {person.number for person in adults if person.access_needs}
    return wanting


def _needs(
    person: Person, sample: Needs, wants: dict[NeedCategory, set[int]], random: Random
) -> tuple[NeedTold, ...]:  # fmt: skip
    if person.standing is Standing.UNACCOMPANIED_CHILD:
        return tuple(
            _told(category, sample.child_kinds.get(category), sample, urgency=urgency)
            for category, urgency in sample.child_alone.items()
        )
    if person.household is not None:
        counts = dict.fromkeys(sample.family, person.household_size if person.is_reference else 0)
        counts |= dict.fromkeys(sample.told_singly, 1)
        return tuple(
            _told(category, sample.family_kinds.get(category), sample, urgency=urgency, people_count=counts[category])
            for category, urgency in sample.family.items()
            if counts[category]
        )
    told = [category for category, numbers in wants.items() if person.number in numbers]
    return tuple(
        _told(
            category,
            _kind(sample.adult_kinds.get(category, {}), random),
            sample,
            urgency=_urgency(sample.adults[category], random),
            after_category=after if (after := sample.adults[category].after) in told else None,
        )
        for category in sorted(told)
    )


def _told(category: NeedCategory, kind: NeedKind | None, sample: Needs, *, urgency: Urgency, **more: Any) -> NeedTold:
    details = [] if kind is None else sample.details.get(kind, [])
    return NeedTold(category=category, kind=kind, detail_values=details, urgency=urgency, **more)


def _kind(shares: Mapping[NeedKind, float], random: Random) -> NeedKind | None:
    """The kind of one need, by chance; None for a need that names the category alone."""
    thrown = random.random()
    for kind, share in shares.items():
        thrown -= share
        if thrown < 0:
            return kind
    return None


def _urgency(need: AdultNeed, random: Random) -> Urgency:
    if need.emergency_share and random.random() < need.emergency_share:
        return Urgency.EMERGENCY
    return need.urgency
