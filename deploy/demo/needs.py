"""What invented people need, refuse and consent to, in shares of those whom a need can concern (pure).

The kinds of need are those that the documents describe. The shares are assumed, but for documents: who comes without
papers needs them. The order is given too: documents come before what they unlock.
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
"""Share of adults alone who tell this need, and how urgent it is for most."""

DOCUMENTS_SHARE: Final = 0.9
"""Of adults without papers, those who ask for them."""

UNACCOMPANIED_CHILD: Final = (
    (_C.CHILD_PROTECTION, _U.EMERGENCY),
    (_C.SHELTER, _U.EMERGENCY),
    (_C.FAMILY_CONTACT, _U.URGENT),
    (_C.MHPSS, _U.NORMAL),
)
FAMILY: Final = ((_C.SHELTER, _U.URGENT), (_C.FOOD, _U.URGENT), (_C.TRANSPORT, _U.NORMAL))
"""Needs of a whole family, told by its reference person."""

REFUSING_SHARE: Final = 0.06
"""Of adults, those who do not let their data go to providers; no basic service may depend on it (domain P3)."""
NO_CONTACT_SHARE: Final = 0.2
"""Of all, those who cannot be reached safely."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one person tells at intake besides who they are."""

    person: Person
    needs: tuple[NeedTold, ...]
    consents_to_referral: bool
    has_safe_contact: bool


def tell(people: list[Person], *, seed: int) -> list[Told]:
    """What each of these people tells; the same seed gives the same answers."""
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
    """The numbers of those who tell this need. Who lives in the capital needs no transport to a department."""
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
    """An emergency for one in eight who need care or a bed; else what the category's is for most."""
    if category in {_C.HEALTH, _C.SHELTER} and random.random() < 0.125:
        return _U.EMERGENCY
    return ADULT_SHARES[category][1] if category in ADULT_SHARES else _U.NORMAL
