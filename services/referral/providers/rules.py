"""What the published view of a service says of its opening hours. Pure."""

from zoneinfo import ZoneInfo

from libs.events.catalogue.directory import ProviderServicePublished
from services.referral.clocks.rules import Hours


def hours_of(view: ProviderServicePublished) -> Hours:
    """When this service is open."""
    openings = tuple((one.weekday, one.opens_minute, one.closes_minute) for one in view.openings)
    return Hours(openings, ZoneInfo(view.timezone))
