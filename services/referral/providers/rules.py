"""What the published view of a service says about its hours, its kinds and its area. Pure."""

from zoneinfo import ZoneInfo

from libs.events.catalogue.directory import ProviderServicePublished
from services.referral.clocks.rules import Hours


def reach_of(view: ProviderServicePublished) -> set[str]:
    """The tokens by which a round finds the service: for each of its kinds and areas, with and without its place.

    An empty kind: the provider has not named its kinds. An empty area: it takes people from everywhere.
    """
    tokens = set()
    for kind in [one.kind for one in view.kinds] or [""]:
        tokens.add(f"{view.category}/{kind}")
        for area in view.catchment or [""]:
            tokens |= {f"{view.category}/{kind}/{area}", f"{view.category}/{kind}/{area}@{view.place}"}
    return tokens


def hours_of(view: ProviderServicePublished) -> Hours:
    """The opening hours of this service."""
    openings = tuple((one.weekday, one.opens_minute, one.closes_minute) for one in view.openings)
    return Hours(openings, ZoneInfo(view.timezone))
