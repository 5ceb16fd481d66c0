"""Which columns of needs, referrals and offers the steps of a journey may change."""

from collections.abc import Mapping
from typing import Final

from services.referral.journeys.facts import Need, Offer, Referral

CHANGING: Final[Mapping[type, tuple[str, ...]]] = {
    Need: (
        "kind",
        "detail_values",
        "urgency",
        "restricted",
        "status",
        "ended_at",
        "end_reason",
        "owner",
        "owner_reason",
        "owned_since",
        "after_need_id",
        "owner_level",
        "owner_seen_at",
        "owner_due_at",
        "owner_overdue_since",
    ),
    Referral: (
        "kind",
        "urgency",
        "restricted",
        "urgency_rank",
        "status",
        "approved_for",
        "ready_at",
        "tried_supply",
        "ring",
        "blocked_by",
        "offer_id",
        "ended_at",
        "end_reason",
        "outcome",
        "searching_since",
        "missed_count",
        "next_attempt_at",
        "overruled",
        "halted_since",
        "halted_for",
    ),
    Offer: ("status", "acknowledged_at", "ended_at", "reason"),
}
"""The columns that a step may change. All other columns are written once, when the row is added."""
