"""Which rules a person may overrule with a reason. Interlocks, law and places are never among them. Pure."""

from collections.abc import Iterable

from services.referral.candidates.interlocks import Interlock
from services.referral.candidates.judgement import OVERRULED_BY_PERSON
from services.referral.candidates.rules import Exclusion


def standing_reasons(codes: Iterable[Interlock | Exclusion]) -> list[str]:
    """The reasons that stand against a service whoever decides, the missing place apart."""
    passed = OVERRULED_BY_PERSON | {Exclusion.NO_FREE_PLACE}
    return [code.value for code in codes if code.value not in passed]


def overruled(codes: Iterable[Interlock | Exclusion]) -> list[str]:
    """The reasons that the person has overruled."""
    return [code.value for code in codes if code.value in OVERRULED_BY_PERSON]
