"""Which rules a person may overrule with a reason. Interlocks, law and places are never among them. Pure."""

from collections.abc import Iterable
from typing import Final

from services.referral.candidates.interlocks import Interlock
from services.referral.candidates.rules import Exclusion

OVERRULED_BY_PERSON: Final[frozenset[Exclusion]] = frozenset(
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


def standing_reasons(codes: Iterable[Interlock | Exclusion]) -> list[str]:
    """The reasons that stand against a service whoever decides, the missing place apart."""
    passed: frozenset[Interlock | Exclusion] = OVERRULED_BY_PERSON | {Exclusion.NO_FREE_PLACE}
    return [code.value for code in codes if code not in passed]


def overruled(codes: Iterable[Interlock | Exclusion]) -> list[str]:
    """The reasons that the person has overruled."""
    return [code.value for code in codes if code in OVERRULED_BY_PERSON]
