"""Whether an offer that was made is still allowed (DESIGN 5). Pure.

It uses the same facts and rules as the choice, without those that were settled when the offer was made: the free
place, the ring, opening hours, the score, and what the provider itself said about its service.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from services.referral.candidates.facts import Need, Service
from services.referral.candidates.interlocks import Interlock, guards_of, interlocks
from services.referral.candidates.pools import admits_among
from services.referral.candidates.reasons import Exclusion
from services.referral.candidates.rules import breakable, exclusions, standing
from services.referral.pack.policy import RoutingPolicy

STANDING: Final[frozenset[str]] = frozenset({Exclusion.NOT_ACTIVE, Exclusion.NOT_ACCREDITED, Exclusion.NO_AGREEMENT})
"""Rules about the organisation or service that do not depend on the person."""
OVERRULED_BY_PERSON: Final[frozenset[str]] = frozenset(
    {
        Exclusion.CLOSED,
        Exclusion.CATCHMENT,
        Exclusion.TOO_FAR,
        Exclusion.BEYOND_RING,
        Exclusion.NOT_PRESENT_HERE,
        Exclusion.LANGUAGE,
        Exclusion.DECLINED_BEFORE,
        Exclusion.EXPIRED_BEFORE,
    }
)
"""Rules of convenience, which a person may overrule. For example, a closed service may open after a phone call, or an
interpreter may help."""


def broken_rules(
    need: Need,
    service: Service | None,
    policy: RoutingPolicy,
    now: datetime,
    *,
    kinds: Collection[str] = (),
    overruled: Iterable[str] = (),
) -> frozenset[str]:
    """The codes of all rules and interlocks that the offer breaks now. Empty if the offer is allowed.

    `service` is None if the directory does not contain it. `kinds`: the kinds of the pools with its places.
    """
    if service is None:
        return frozenset({Exclusion.NOT_ACTIVE.value})
    codes: list[Interlock | Exclusion] = [
        *interlocks(guards_of(need, policy), service),
        *standing(service, now),
        *exclusions(need, service, policy, breakable(service, policy)),
    ]
    if kinds and not admits_among(kinds, need.people):
        codes.append(Exclusion.AGE)
    # An interlock cannot be overruled, even if the stored list contains its code.
    return frozenset(code.value for code in codes) - (OVERRULED_BY_PERSON & set(overruled))


def standing_reasons(codes: Iterable[Interlock | Exclusion]) -> list[str]:
    """The reasons against a service that a person cannot overrule, except a missing place."""
    passed = OVERRULED_BY_PERSON | {Exclusion.NO_FREE_PLACE}
    return [code.value for code in codes if code.value not in passed]


def overruled(codes: Iterable[Interlock | Exclusion]) -> list[str]:
    """The reasons that a person overrules with this choice."""
    return [code.value for code in codes if code.value in OVERRULED_BY_PERSON]
