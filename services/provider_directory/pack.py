"""The directory's part of the country pack: `declarations.yaml`, `taxonomy.yaml`, the names in `places.yaml`, the
restricted categories of `routing.yaml`, and `certificates.yaml`.

If a pack has a mistake, the service does not start. So the mistake is found before a provider makes a declaration.
"""

from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from libs.certificates.kinds import CertificateKinds, load_kinds
from libs.chassis.time_bounds import Tolerance
from libs.chassis.yaml_files import PackPart, read_model
from libs.taxonomy.model import Taxonomy, load_taxonomy
from libs.taxonomy.policies import load_restricted


class ToldTimes(PackPart):
    """How far a time from outside may differ from our clock, by kind."""

    as_of: Tolerance
    """The time of a declaration of capacity."""
    pool_days: Tolerance
    """The first and last day of a pool."""
    valid_until: Tolerance
    """The end of an accreditation or an agreement, and the first and last day of a certificate."""
    open_at: Tolerance
    """The time in a search."""


class _NamedPlace(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str


class _Places(BaseModel):
    """The part of `places.yaml` that the directory uses."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    places: dict[str, _NamedPlace]


class Pack(PackPart):
    """All that the directory reads from the country pack."""

    times: ToldTimes
    taxonomy: Taxonomy
    """From `taxonomy.yaml`: the categories and kinds of need."""
    restricted: frozenset[str]
    """From `routing.yaml`: the categories whose services are always restricted (DESIGN 5, domain P7)."""
    place_names: dict[str, str]
    """The name of each place by its code, for the search."""
    certificates: CertificateKinds = CertificateKinds()
    """From `certificates.yaml`: the kinds of certificates that people may hold."""


def load_pack(directory: Path) -> Pack:
    """The pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    places = read_model(_Places, directory / "places.yaml").places
    names = {code: place.name for code, place in places.items()}
    taxonomy = load_taxonomy(directory)
    restricted = load_restricted(directory, taxonomy)
    more = {"place_names": names, "taxonomy": taxonomy, "restricted": restricted}
    more["certificates"] = load_kinds(directory)
    return read_model(Pack, directory / "declarations.yaml", **more)


async def _pack(request: Request) -> Pack:
    return cast(Pack, request.app.state.pack)


ThePack = Annotated[Pack, Depends(_pack)]
"""The pack as a dependency of routes."""
