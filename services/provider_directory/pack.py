"""The part of the country pack that the directory uses: `declarations.yaml` and the names in `places.yaml`.

If a pack has a mistake, the service does not start. So the mistake is found before a provider makes a declaration.
"""

from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from libs.chassis.time_bounds import Tolerance
from libs.chassis.yaml_files import PackPart, read_yaml


class ToldTimes(PackPart):
    """How far a time from outside may differ from our clock, by kind."""

    as_of: Tolerance
    """The time of a declaration of capacity."""
    pool_days: Tolerance
    """The first and last day of a pool."""
    valid_until: Tolerance
    """The end of an accreditation or an agreement."""
    open_at: Tolerance
    """The time in a search."""


class Pack(PackPart):
    """All that the directory reads from the country pack."""

    times: ToldTimes
    place_names: dict[str, str]
    """The name of each place by its code, for the search."""


def load_pack(directory: Path) -> Pack:
    """The pack in `directory`. Raises ValidationError that names the wrong field, or OSError for a missing file."""
    places = read_yaml(directory / "places.yaml")["places"]
    names = {code: place["name"] for code, place in places.items()}
    return Pack.model_validate({**read_yaml(directory / "declarations.yaml"), "place_names": names})


async def _pack(request: Request) -> Pack:
    return cast(Pack, request.app.state.pack)


ThePack = Annotated[Pack, Depends(_pack)]
"""The pack as a dependency of routes."""
