"""Which flights and buses are shown first, what a row offers, which entries of a manifest match a typed name (pure)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
SHOWN: Final = ("", "expected", "registered", "absent")
"""The choices of the list of a manifest; the empty one shows all."""


def _day(told: str | None, zone: ZoneInfo) -> date | None:
    return None if told is None else datetime.fromisoformat(told).astimezone(zone).date()


def is_of_today(batch: Row, *, today: date, zone: ZoneInfo) -> bool:
    """Whether a clerk works on it today: it is expected, has landed or was completed today, or its intake is open."""
    if batch["status"] == "landed":
        return True
    return today in {_day(batch[name], zone) for name in ("expected_at", "landed_at", "intake_completed_at")}


def in_order(batches: Sequence[Row]) -> list[Row]:
    """Open intakes first, then those that are expected, then completed ones; within these by time."""
    rank = {"landed": 0, "referenced": 1, "announced": 1, "intake_completed": 2}
    return sorted(batches, key=lambda one: (rank[one["status"]], one["landed_at"] or one["expected_at"] or ""))


def may_land(batch: Row) -> bool:
    """Whether the landing can be recorded, or its number of people corrected."""
    return batch["status"] in ("announced", "landed")


def may_complete(batch: Row) -> bool:
    """Whether the intake can be completed by hand."""
    return bool(batch["status"] == "landed")


def people_guess(batch: Row) -> int | str:
    """The number of people that the form for the landing proposes."""
    if batch["people_count"] is not None:
        return int(batch["people_count"])
    return batch["entries_count"] or ""


def plain(text: str) -> str:
    """Letters and digits without accents and capitals, so that each way to write a name finds it."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    shown = "".join(" " if one.isspace() or one == "-" else one for one in letters if one.isalnum() or one in " -")
    return " ".join(shown.split())


def matches(entry: Row, name: str) -> bool:
    """Whether each typed word begins a word of the entry's names."""
    names = plain(f"{entry['given_names'] or ''} {entry['family_names'] or ''}").split()
    return all(any(one.startswith(word) for one in names) for word in plain(name).split())


def shown_entries(entries: Sequence[Row], *, show: str, name: str = "") -> list[Row]:
    """The entries with this status (empty: all) that match a typed name."""
    return [one for one in entries if show in ("", one["status"]) and (not name or matches(one, name))]


def from_entry(entry: Row | None) -> dict[str, str]:
    """What the form for registering a person takes from an entry of a manifest; nothing without one."""
    names = ("given_names", "family_names", "birth_date", "nationality")
    if entry is None:
        return {**dict.fromkeys(names, ""), "sex": ""}
    sex = "" if entry["sex"] == "unknown" else entry["sex"]
    return {**{name: entry[name] or "" for name in names}, "sex": sex}
