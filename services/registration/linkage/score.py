"""The score of two records after Fellegi and Sunter."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import exp2, log2

from services.registration.linkage.evidence import Guard, Sign, signs
from services.registration.linkage.forms import Form, form_of
from services.registration.linkage.guards import guards
from services.registration.linkage.priors import Priors
from services.registration.linkage.records import Record


class Band(StrEnum):
    """What a score means."""

    SAME = "same"
    REVIEW = "review"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Score:
    """How much speaks for one person."""

    weight: float
    """The sum of the log2 weights of all fields, without the prior."""
    probability: float
    """That both records are of one person. A guard keeps it below that of the next band."""
    band: Band
    reasons: tuple[str, ...]
    """Codes of what agrees and disagrees, and of guards. They contain no value of a record."""


cached_form = lru_cache(maxsize=4096)(form_of)


def compare(a: Record, b: Record, priors: Priors) -> Score:
    """The score of two records. It is the same in either order."""
    return score_of(cached_form(a), cached_form(b), priors)


def weight_of(found: list[Sign], priors: Priors) -> float:
    """The sum of the weights of the signs."""
    return sum(map(priors.weight, found))


def probability_of(weight: float, match_prior: float) -> float:
    """The probability that a pair of this weight is one person."""
    odds = weight + log2(match_prior / (1 - match_prior))
    return 1 / (1 + exp2(-max(-500.0, min(500.0, odds))))


def score_of(a: Form, b: Form, priors: Priors) -> Score:
    """The score of two forms."""
    found = signs(a, b)
    weight = weight_of(found, priors)
    probability = probability_of(weight, priors.match_prior)
    held = guards(a, b, found, priors) if probability >= priors.review_from else []
    reasons = (*(f"{sign.field}.{sign.level}" for sign in found), *held)
    if held:
        # A guard keeps the pair below the next band, in the order of the probabilities.
        probability *= priors.review_from if Guard.NOT_BORN_TOGETHER in held else priors.same_from
        probability *= _BELOW
    return Score(weight, probability, _band(probability, priors), reasons)


_BELOW = 0.999


def _band(probability: float, priors: Priors) -> Band:
    if probability < priors.review_from:
        return Band.DIFFERENT
    return Band.SAME if probability >= priors.same_from else Band.REVIEW
