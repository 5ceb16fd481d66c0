"""The needs, refusals and consents of the invented people, in shares of those who can have the need (pure).

The kinds of need are those in the project's documents. The shares are assumed, except for documents: people without
papers need them. The order is also given: documents come before the needs that depend on them.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from deploy.demo.people import Person, Standing
from deploy.demo.shares import some
from libs.events.catalogue.arrivals import NeedTold
from libs.events.codes import AccessNeed, IdentityDocumentStatus, NeedCategory, Urgency

_C, _U = NeedCategory, Urgency

ADULT_SHARES: Final = {
    _C.SHELTER: (0.25, _U.URGENT),
    _C.FOOD: (0.25, _U.URGENT),
    _C.HEALTH: (0.13, _U.URGENT),
    _C.FAMILY_CONTACT: (0.45, _U.URGENT),
    _C.TRANSPORT: (0.60, _U.NORMAL),
    _C.MHPSS: (0.15, _U.NORMAL),
    _C.TRAINING: (0.14, _U.NORMAL),
    _C.EMPLOYMENT: (0.18, _U.NORMAL),
    _C.LEGAL: (0.04, _U.NORMAL),
}
"""The share of adults who travel alone and report this need, and its urgency for most of them."""

DOCUMENTS_SHARE: Final = 0.9
"""The share of adults without papers who ask for documents."""

UNACCOMPANIED_CHILD: Final = (
    (_C.CHILD_PROTECTION, _U.EMERGENCY),
    (_C.SHELTER, _U.EMERGENCY),
    (_C.FAMILY_CONTACT, _U.URGENT),
    (_C.MHPSS, _U.NORMAL),
)
FAMILY: Final = ((_C.SHELTER, _U.URGENT), (_C.FOOD, _U.URGENT), (_C.TRANSPORT, _U.NORMAL))
"""The needs of a whole family, which its reference person reports."""

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


def tell(people: list[Person], *, seed: int) -> list[Told]:
    """The answers of each of these people; the same seed gives the same answers."""
    random = Random(seed)  # noqa: S311 - a demo's dice, no secret
    adults = [person for person in people if person.standing is Standing.ADULT]
    wants = {category: _who_wants(category, adults, share, random) for category, (share, _) in ADULT_SHARES.items()}
    without = [person for person in adults if person.papers is not IdentityDocumentStatus.HELD]
    wants[_C.DOCUMENTS] = {person.number for person in some(without, DOCUMENTS_SHARE, random)}
    refusing = {person.number for person in some(adults, REFUSING_SHARE, random)}
    unreachable = {person.number for person in some(people, NO_CONTACT_SHARE, random)}
    return [
        Told(
            person=person,
            needs=_needs(person, wants, random),
            consents_to_referral=person.number not in refusing,
            has_safe_contact=person.number not in unreachable,
        )
        for person in people
    ]


def _who_wants(category: NeedCategory, adults: list[Person], share: float, random: Random) -> set[int]:
    """The `number` of each person who reports this need. People who live in the capital need no transport."""
    group = adults if category is not _C.TRANSPORT else [one for one in adults if one.department != "GT01"]
    wanting = {person.number for person in some(group, share, random)}
    if category is _C.HEALTH:
        wanting |= {person.number for person in adults if AccessNeed.WHEELCHAIR in person.access_needs}
    return wanting


def _needs(person: Person, wants: dict[NeedCategory, set[int]], random: Random) -> tuple[NeedTold, ...]:
    if person.standing is Standing.UNACCOMPANIED_CHILD:
        return tuple(NeedTold(category=category, urgency=urgency) for category, urgency in UNACCOMPANIED_CHILD)
    if person.household is not None:
        if not person.is_reference:
            return ()
        size = person.household_size
        return tuple(NeedTold(category=category, urgency=urgency, people_count=size) for category, urgency in FAMILY)
    told = [category for category, numbers in wants.items() if person.number in numbers]
    return tuple(
        NeedTold(
            category=category,
            urgency=_urgency(category, random),
            after_category=_C.DOCUMENTS if category is _C.EMPLOYMENT and _C.DOCUMENTS in told else None,
        )
        for category in sorted(told)
    )


def _urgency(category: NeedCategory, random: Random) -> Urgency:
    """The urgency of a need: an emergency for one in eight needs for health or shelter, otherwise the usual urgency."""
    if category in {_C.HEALTH, _C.SHELTER} and random.random() < 0.125:
        return _U.EMERGENCY
    return ADULT_SHARES[category][1] if category in ADULT_SHARES else _U.NORMAL
