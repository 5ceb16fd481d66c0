"""The weights of a comparison, as a file: how often a field agrees for one person (m) and for two people (u)."""

from collections.abc import Mapping
from functools import cached_property
from math import log2
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field as Of
from pydantic import model_validator

from libs.chassis.yaml_files import PackPart, open_yaml, read_yaml
from services.registration.linkage.common_names import GIVEN
from services.registration.linkage.evidence import Guard, Sign
from services.registration.linkage.levels import Field, Level

_SLIP = 0.15
Share = Annotated[float, Of(gt=0, lt=1)]
SHARE_MIN = 1e-6
"""No value is so rare that its agreement proves more than this."""
_PART_ALONE = 0.5
"""How often only a part of the given names is said, for two people who share that part."""


class LevelPrior(PackPart):
    """How often a field agrees at one level."""

    m: Share
    """If both records are of one person."""
    u: Share
    """If they are of two people."""


class Priors(PackPart):
    """All weights, and the bands."""

    match_prior: Share
    """The probability that two records taken at random are of one person."""
    same_from: Share = 0.95
    """The probability from which two records are of one person, unless a guard forbids it."""
    review_from: Share = 0.2
    """The probability from which a person decides."""
    fields: dict[Field, dict[Level, LevelPrior]]
    shares: dict[Field, dict[str, Share]] = {}
    """How many people have a value. Agreement in a common value says less than in a rare one."""
    other_shares: dict[Field, Share] = {}
    """The share of a value that `shares` lacks."""
    lifted: frozenset[Guard] = frozenset()
    """Guards that a file has shown to be without reason in it (`estimate.py`). A pack lifts none."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := set(Field) - set(self.fields):
            raise ValueError(f"fields lacks {sorted(missing)}")
        if missing := set(self.shares) - set(self.other_shares):
            raise ValueError(f"other_shares lacks {sorted(missing)}")
        return self

    @cached_property
    def weights(self) -> Mapping[tuple[Field, Level], tuple[float, float]]:
        """For each level log2 of m, and log2 of m / u."""
        return {
            (field, level): (log2(prior.m), log2(prior.m / prior.u))
            for field, levels in self.fields.items()
            for level, prior in levels.items()
        }

    def share(self, field: Field, word: str) -> float:
        """The share of people who have this value."""
        return self.shares[field].get(word) or self.other_shares[field]

    def are_two_names(self, one: str, other: str) -> bool:
        """Whether two similar given names are names that people have, and neither is a slip of the pen.

        A name that hardly anybody has beside one that many have is a slip, unless it is in our list.
        """
        if one in GIVEN and other in GIVEN:
            return True
        counted = self.shares.get(Field.GIVEN, {})
        shares = sorted((counted.get(one, 0.0), counted.get(other, 0.0)))
        return shares[0] > 0 and shares[0] >= _SLIP * shares[1]

    def weight(self, sign: Sign) -> float:
        """The log2 weight of a sign; 0 for a level that the weights lack."""
        log_m, weight = self.weights.get((sign.field, sign.level), (0.0, 0.0))
        if not sign.words or sign.field not in self.shares:
            return weight
        return log_m - log2(self.chance(sign))

    def chance(self, sign: Sign) -> float:
        """How often the values of a sign agree for two people."""
        chance = float(sign.ways)
        for word in sign.words:
            chance *= self.share(sign.field, word)
        if sign.level in (Level.PART, Level.SECOND):
            chance *= _PART_ALONE
        return min(0.999, max(SHARE_MIN, chance))


WEIGHTS = Path(__file__).with_name("weights.yaml")


def load(path: Path = WEIGHTS) -> Priors:
    """The weights in a file; `weights.yaml` of this package has those of the fields that the file lacks.

    Raises FaultyFileError, which names file, line and key.
    """
    file = open_yaml(path)
    told = file.content.get("fields") if isinstance(file.content, dict) else None
    fields = read_yaml(WEIGHTS)["fields"] | (told if isinstance(told, dict) else {})
    return file.model(Priors, fields=fields)
