"""Files of a pack that say something about each category: routing, consents, packets.

A category that such a file does not name has the file's entry `other_categories`. So a category that is added to
`taxonomy.yaml` alone has a policy in every file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from libs.chassis.yaml_files import FaultyFileError, YamlFile, open_yaml
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.questions import Code

V = TypeVar("V")


def of_every_category(
    named: Mapping[str, V], others: V | None, *, taxonomy: Taxonomy, file: YamlFile, key: str
) -> dict[str, V]:
    """An entry for each category of the taxonomy: the one under `key` in the file, else `other_categories`.

    Raises FaultyFileError for a category that has neither, and for an entry of a category that the taxonomy lacks.
    """
    missing = [] if others is not None else [one for one in taxonomy.categories if one not in named]
    faults = [file.fault((key, one), "is missing, and the file has no other_categories") for one in missing]
    unknown = [one for one in named if one not in taxonomy.categories]
    faults += [file.fault((key, one), "is not a category of taxonomy.yaml") for one in unknown]
    if faults:
        raise FaultyFileError(faults)
    rest = {} if others is None else dict.fromkeys(taxonomy.categories, others)
    return {**rest, **named}


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    restricted: bool = False
    review: bool = False


class _Routing(BaseModel):
    """The part of `routing.yaml` that says which categories are restricted or reviewed. Referral reads the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    categories: dict[Code, _Rule]
    other_categories: _Rule | None = None


def load_restricted(directory: Path, taxonomy: Taxonomy) -> frozenset[str]:
    """The categories whose needs and services only holders of `restricted:read` see, by the pack's `routing.yaml`.

    Raises FaultyFileError, which names file, line and key.
    """
    return frozenset(category for category, rule in _rules(directory, taxonomy).items() if rule.restricted)


def _rules(directory: Path, taxonomy: Taxonomy) -> dict[str, _Rule]:
    file = open_yaml(directory / "routing.yaml")
    routing = file.model(_Routing)
    return of_every_category(
        routing.categories, routing.other_categories, taxonomy=taxonomy, file=file, key="categories"
    )


def load_reviewed(directory: Path, taxonomy: Taxonomy) -> frozenset[str]:
    """The categories whose needs a desk reviews before anything else happens, by the pack's `routing.yaml`.

    Raises FaultyFileError, which names file, line and key.
    """
    return frozenset(category for category, rule in _rules(directory, taxonomy).items() if rule.review)
