"""The weights of a comparison, as a file: how often a field agrees for one person (m) and for two people (u)."""

from pathlib import Path

from libs.chassis.yaml_files import PackPart, read_model


class Priors(PackPart):
    """All weights."""

    match_prior: float = 1e-6
    """The probability that two records taken at random are of one person."""


def load(path: Path) -> Priors:
    """The weights in a file. Raises FaultyFileError, which names file, line and key."""
    return read_model(Priors, path)
