"""The opening hours in the published view of a service. Pure."""

from zoneinfo import ZoneInfo

from libs.events.catalogue.directory import ProviderServicePublished
from services.referral.clocks.rules import Hours


def hours_of(view: ProviderServicePublished) -> Hours:
    """The opening hours of this service."""
    openings = tuple((one.weekday, one.opens_minute, one.closes_minute) for one in view.openings)
    return Hours(openings, ZoneInfo(view.timezone))
