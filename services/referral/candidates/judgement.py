"""Whether an offer that was made may still stand (DESIGN 5). Pure.

Asked of the same facts as the choice, and by the same rules, but for those that were settled when the offer was made:
the free place, the ring, opening hours, the score, and what the provider itself said of its service.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from services.referral.candidates.facts import Need, Service
from services.referral.candidates.interlocks import Interlock, guards_of, interlocks
from services.referral.candidates.pools import admits_among
from services.referral.candidates.rules import Exclusion, breakable, exclusions, standing
from services.referral.pack.policy import RoutingPolicy

STANDING: Final[frozenset[str]] = frozenset({Exclusion.NOT_ACTIVE, Exclusion.NOT_ACCREDITED, Exclusion.NO_AGREEMENT})
"""Rules that say something of the organisation or service, whoever the person is."""
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
"""Rules of convenience: a phone call can open a door, an interpreter can come along, a provider can change its mind."""


def broken_rules(
    need: Need,
    service: Service | None,
    policy: RoutingPolicy,
    now: datetime,
    *,
    kinds: Collection[str] = (),
    overruled: Iterable[str] = (),
) -> frozenset[str]:
    """The codes of every rule and interlock that the offer breaks now; none if it stands.

    `service` is None where the directory does not, or no longer, know it. `kinds`: of the pools that have its places.
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
    # An interlock cannot be overruled, whatever was stored.
    return frozenset(code.value for code in codes) - (OVERRULED_BY_PERSON & set(overruled))


def standing_reasons(codes: Iterable[Interlock | Exclusion]) -> list[str]:
    """The reasons that stand against a service whoever decides, the missing place apart."""
    passed = OVERRULED_BY_PERSON | {Exclusion.NO_FREE_PLACE}
    return [code.value for code in codes if code.value not in passed]


def overruled(codes: Iterable[Interlock | Exclusion]) -> list[str]:
    """The reasons that the person has overruled."""
    return [code.value for code in codes if code.value in OVERRULED_BY_PERSON]
