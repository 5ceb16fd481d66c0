"""Charts as SVG, drawn on the server. Each stands beside a table with the same numbers, and is hidden from screen
readers, which read the table. Colours and patterns are classes of the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

_ROW: Final = 18
_KINDS: Final = {
    "router": "told",
    "provider": "offered",
    "desk": "desk",
    "waitlist": "queue",
    "prerequisite": "held",
    "service": "accepted",
}
"""The class of a stretch of waiting by the party that is waited for."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of a bar: its number, and the class that gives it colour and pattern."""

    count: float
    kind: str


def bar(slices: Sequence[Slice], *, of: float | None = None, height: int = 12) -> Markup:
    """A bar of parts. `of` is the whole; without it, the parts fill the bar."""
    whole = of or sum(one.count for one in slices)
    if whole <= 0:
        slices, whole = (), 1
    drawn, at = Markup(""), 0.0
    for one in slices:
        width = min(100.0 - at, 100 * one.count / whole)
        if width > 0:
            drawn += Markup('<rect x="{:.2f}" y="0" width="{:.2f}" height="{}" class="slice {}"/>').format(
                at, width, height, one.kind
            )
        at += width
    return Markup(
        '<svg class="bar" viewBox="0 0 100 {0}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect x="0" y="0" width="100" height="{0}" class="whole"/>{1}</svg>'
    ).format(height, drawn)


def kind_of(waits_for: str) -> str:
    """The class that gives a stretch of waiting its colour and pattern."""
    return _KINDS[waits_for]


def waterfall(found: Any) -> Markup:
    """Lanes of stretches of waiting, one lane for each need (`cases.rules.Waterfall`)."""
    drawn = Markup("")
    for nth, lane in enumerate(found.lanes):
        for segment in lane.segments:
            drawn += Markup('<rect x="{:.2f}" y="{}" width="{:.2f}" height="{}" class="slice {}"/>').format(
                found.left(segment), nth * _ROW + 2, found.width(segment), _ROW - 4, kind_of(segment.waits_for)
            )
    height = len(found.lanes) * _ROW
    return Markup(
        '<svg class="waterfall" viewBox="0 0 100 {0}" height="{0}" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false"><rect x="0" y="0" width="100" height="{0}" class="ground"/>{1}</svg>'
    ).format(height, drawn)
