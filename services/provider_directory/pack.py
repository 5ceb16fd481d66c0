"""The part of the country pack that the directory follows: `declarations.yaml` and the names of `places.yaml`.

A mistake in a pack stops the service at start, not a provider's declaration.
"""

from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from libs.chassis.time_bounds import Tolerance
from libs.chassis.yaml_files import PackPart, read_yaml


class ToldTimes(PackPart):
    """How far a time told from outside may lie from our clock, by kind."""

    as_of: Tolerance
    """Of a declaration of capacity."""
    pool_days: Tolerance
    """First and last day of a pool."""
    valid_until: Tolerance
    """Of an accreditation or an agreement."""
    open_at: Tolerance
    """Of a search."""


class Pack(PackPart):
    """All that the directory reads of the country pack."""

    times: ToldTimes
    place_names: dict[str, str]
    """By place code: what people call the place, for the search."""


def load_pack(directory: Path) -> Pack:
    """The pack in `directory`; raises ValidationError naming the field that is wrong, OSError for a missing file."""
    places = read_yaml(directory / "places.yaml")["places"]
    names = {code: place["name"] for code, place in places.items()}
    return Pack.model_validate({**read_yaml(directory / "declarations.yaml"), "place_names": names})


async def _pack(request: Request) -> Pack:
    return cast(Pack, request.app.state.pack)


ThePack = Annotated[Pack, Depends(_pack)]
"""The pack as a dependency of routes."""
