"""What a delivery and its attempts mean (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

STATUSES: Final = ("pending", "sending", "succeeded", "failed")
FINISHED: Final = frozenset({"succeeded", "failed"})
OVERLAPS: Final = (24, 72, 168, 0)
"""Hours in which webhooks are signed with the old secret too; the first one is the default."""
POINTERS: Final[Mapping[str, str]] = {"/url": "url", "/event_types": "event_types", "/overlap_hours": "overlap_hours"}


def is_running(delivery: Mapping[str, Any]) -> bool:
    """Whether the delivery may still change."""
    return delivery["status"] not in FINISHED


def kind_of(status: str) -> str:
    """How the status of a delivery is marked."""
    return {"succeeded": "good", "failed": "bad"}.get(status, "")
