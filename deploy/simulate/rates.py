"""How often partners answer, are late, decline, only acknowledge or do not respond (pure).

Four figures are from the inter-agency referral analysis of Lebanon, January to March 2021 (reliefweb.int, "Lebanon:
Inter-Agency Referral Analysis Report Jan-March 2021"): 27 % of protection referrals, 25 % of health referrals and 87 %
of social-stability referrals got no response; and of the basic-assistance referrals with feedback, 47 % were only
acknowledged, without a decision. Everything else in this module is assumed, and the names or comments say so. The
sector of each category, and how long its work takes, are in the country pack's `demo.yaml`.
"""

from dataclasses import dataclass
from typing import Final

from deploy.packs.demo_data import Sector
from libs.events.codes import DeclineReason


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
