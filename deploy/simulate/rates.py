"""How often partners answer, are late, decline, only acknowledge or do not respond, and how long work takes (pure).

Four figures are from the inter-agency referral analysis of Lebanon, January to March 2021 (reliefweb.int, "Lebanon:
Inter-Agency Referral Analysis Report Jan-March 2021"): 27 % of protection referrals, 25 % of health referrals and 87 %
of social-stability referrals got no response; and of the basic-assistance referrals with feedback, 47 % were only
acknowledged, without a decision. Everything else in this module is assumed, and the names or comments say so.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from libs.events.codes import DeclineReason, NeedCategory


class Sector(StrEnum):
    """The sectors of that report. We have chosen the sector of each of our categories."""

    BASIC_ASSISTANCE = "basic_assistance"
    HEALTH = "health"
    PROTECTION = "protection"
    SOCIAL_STABILITY = "social_stability"


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates for the offers of a sector."""

    silent: float
    """The share of all offers that get no response."""
    only_acknowledged: float
    """The share of offers with any feedback that get an acknowledgement but no decision."""


ASSUMED_SILENT: Final = 0.25
"""The share for basic assistance, for which no figure is published: the lowest of the published shares."""
ASSUMED_ONLY_ACKNOWLEDGED: Final = 0.15
"""The share for the other sectors, for which no figure is published."""
ASSUMED_DECLINED: Final = 0.2
"""The share of decisions that are declines."""
ASSUMED_LATE: Final = 0.1
"""The share of decisions that come after the offer's deadline."""

RATES: Final = {
    Sector.BASIC_ASSISTANCE: Rates(silent=ASSUMED_SILENT, only_acknowledged=0.47),
    Sector.HEALTH: Rates(silent=0.25, only_acknowledged=ASSUMED_ONLY_ACKNOWLEDGED),
    Sector.PROTECTION: Rates(silent=0.27, only_acknowledged=ASSUMED_ONLY_ACKNOWLEDGED),
    Sector.SOCIAL_STABILITY: Rates(silent=0.87, only_acknowledged=ASSUMED_ONLY_ACKNOWLEDGED),
}

_C = NeedCategory
SECTOR_OF: Final = {
    _C.SHELTER: Sector.BASIC_ASSISTANCE,
    _C.FOOD: Sector.BASIC_ASSISTANCE,
    _C.TRANSPORT: Sector.BASIC_ASSISTANCE,
    _C.FAMILY_CONTACT: Sector.BASIC_ASSISTANCE,
    _C.DOCUMENTS: Sector.BASIC_ASSISTANCE,
    _C.HEALTH: Sector.HEALTH,
    _C.MHPSS: Sector.HEALTH,
    _C.CHILD_PROTECTION: Sector.PROTECTION,
    _C.LEGAL: Sector.PROTECTION,
    _C.ANTI_TRAFFICKING: Sector.PROTECTION,
    _C.GBV: Sector.PROTECTION,
    _C.TRAINING: Sector.SOCIAL_STABILITY,
    _C.EMPLOYMENT: Sector.SOCIAL_STABILITY,
}

DECLINE_REASONS: Final = {
    DeclineReason.FULL: 5,
    DeclineReason.NOT_ELIGIBLE: 2,
    DeclineReason.NOT_OUR_AREA: 1,
    DeclineReason.PERSON_NOT_FOUND: 1,
    DeclineReason.OTHER: 1,
}
"""The reasons of declines, in parts of ten; assumed."""

NEVER_STARTED, NEVER_REPORTED, NOT_DELIVERED, PARTLY_MET = 0.04, 0.05, 0.06, 0.05
"""Shares of accepted referrals: the provider does not report the start; it does not report the end; the service was not
delivered; it met the need only in part. Assumed."""


@dataclass(frozen=True, slots=True)
class Work:
    """The shortest and longest time until an accepted service starts, and from its start to its end."""

    starts: tuple[timedelta, timedelta]
    lasts: tuple[timedelta, timedelta]


def _hours(shortest: float, longest: float) -> tuple[timedelta, timedelta]:
    return timedelta(hours=shortest), timedelta(hours=longest)


def _days(shortest: float, longest: float) -> tuple[timedelta, timedelta]:
    return timedelta(days=shortest), timedelta(days=longest)


WORK: Final = {
    _C.SHELTER: Work(_hours(0.5, 4), _hours(8, 70)),
    _C.FOOD: Work(_hours(0.2, 1), _hours(0.3, 1)),
    _C.TRANSPORT: Work(_hours(0.5, 6), _hours(3, 12)),
    _C.FAMILY_CONTACT: Work(_hours(0.2, 2), _hours(0.2, 1)),
    _C.DOCUMENTS: Work(_days(0.2, 3), _days(3, 26)),
    _C.HEALTH: Work(_hours(0.5, 12), _hours(1, 72)),
    _C.MHPSS: Work(_days(0.2, 4), _days(2, 14)),
    _C.CHILD_PROTECTION: Work(_hours(1, 8), _days(2, 10)),
    _C.LEGAL: Work(_days(0.5, 5), _days(5, 40)),
    _C.ANTI_TRAFFICKING: Work(_hours(2, 20), _days(5, 20)),
    _C.GBV: Work(_hours(2, 20), _days(5, 20)),
    _C.TRAINING: Work(_days(2, 14), _days(10, 40)),
    _C.EMPLOYMENT: Work(_days(1, 7), _days(5, 20)),
}
"""Assumed, except for two limits: a stay lasts up to 72 hours, and a document can take four weeks (manaus-2013)."""
