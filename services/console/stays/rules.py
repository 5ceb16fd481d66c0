"""The exit plan as a form (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

ITEMS: Final = ("family_reached", "money", "transport", "next_address", "documents")
POINTERS: Final[Mapping[str, str]] = {"/next_step": "next_step", **{f"/items/{one}": f"item-{one}" for one in ITEMS}}
EXTENSION_POINTERS: Final[Mapping[str, str]] = {"/hours": "hours", "/reason": "reason"}
SOON_SECONDS: Final = 12 * 3600
"""A stay that ends within this time is marked if its plan is not complete."""


def plan(text: Callable[[str], str]) -> dict[str, Any]:
    """The plan that a form states: the next step and the state of each item."""
    return {"next_step": text("next_step"), "items": {one: text(f"item-{one}") for one in ITEMS}}


def holds_already(present: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Whether the present plan says what this one says: the form was sent twice."""
    states = {item: one["status"] for item, one in present["items"].items()}
    return bool(present["next_step"] == told["next_step"] and states == told["items"])


def is_pressing(stay: Mapping[str, Any], *, seconds_left: float) -> bool:
    """Whether people leave soon without a complete plan."""
    unplanned = bool(stay["open_items"]) or stay["next_step"] == "unknown"
    return unplanned and seconds_left < SOON_SECONDS
