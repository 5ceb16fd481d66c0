"""Shows one person's trace as a tree. Reads it from the JSON lines that the services write next to their logs."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

FOUR_SERVICES: Final = frozenset({"registration", "referral", "provider_directory", "notifications"})
COLOURS: Final = {
    "registration": "cyan", "referral": "yellow", "provider_directory": "green", "notifications": "magenta"
}  # fmt: skip
LINES_MAX: Final = 60
JOURNEY: Final = "enlace.journey_id"


@dataclass(frozen=True, slots=True)
class Span:
    """One span as a service recorded it. Times are nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    service: str
    name: str
    start: int
    end: int
    journey_id: str | None

    @classmethod
    def of(cls, record: dict[str, Any]) -> "Span":
        """The span of one JSON line."""
        return cls(
            trace_id=record["trace_id"],
            span_id=record["span_id"],
            parent_span_id=record["parent_span_id"],
            service=record["service"],
            name=record["name"],
            start=record["start"],
            end=record["end"],
            journey_id=record["attributes"].get(JOURNEY),
        )


def read_spans(directory: Path, *, since_ns: int) -> list[Span]:
    """All spans that began at or after `since_ns`. A line that a killed process left incomplete is skipped."""
    found = []
    for path in sorted(directory.glob("*.jsonl")):
        if path.stat().st_mtime_ns < since_ns:
            continue
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if record["start"] >= since_ns:
                    found.append(Span.of(record))
    return found


def choose_trace(spans: Iterable[Span], returnee_ids: Sequence[str]) -> tuple[str, list[Span]] | None:
    """The returnee whose trace is best to show, with its spans: the trace with the most services, then with the fewest
    spans. None if none of these returnees has a trace."""
    wanted = set(returnee_ids)
    by_trace: dict[str, list[Span]] = defaultdict(list)
    journeys: dict[str, str] = {}
    for span in spans:
        by_trace[span.trace_id].append(span)
        if span.journey_id in wanted and span.journey_id is not None:
            journeys.setdefault(span.trace_id, span.journey_id)
    if not journeys:
        return None
    best = max(journeys, key=lambda trace: (len(_services(by_trace[trace])), -len(by_trace[trace]), trace))
    return journeys[best], by_trace[best]


def _services(spans: Iterable[Span]) -> frozenset[str]:
    return frozenset(span.service for span in spans) & FOUR_SERVICES


def as_tree(spans: Sequence[Span], *, title: str) -> Tree:
    """The trace as a tree of at most LINES_MAX lines; each shows the time since the start and the span's duration."""
    start = min(span.start for span in spans)
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda one: one.start):
        children[span.parent_span_id if span.parent_span_id in known else None].append(span)
    services = ", ".join(sorted(_services(spans)))
    tree = Tree(f"[bold]{title}[/bold]: {len(spans)} spans in {services}")
    left = LINES_MAX

    def grow(branch: Tree, parent: str | None) -> None:
        nonlocal left
        for span in children[parent]:
            left -= 1
            if left < 0:
                return
            grow(branch.add(_line(span, start)), span.span_id)

    grow(tree, None)
    if left < 0:
        tree.add(f"... and {-left if left < 0 else 0} more below; all are in the spans directory")
    return tree


def _line(span: Span, start: int) -> Text:
    text = Text()
    text.append(f"+{(span.start - start) / 1e6:,.0f} ms ", style="dim")
    text.append(f"{span.service} ", style=COLOURS.get(span.service, ""))
    text.append(span.name)
    text.append(f"  {(span.end - span.start) / 1e6:,.1f} ms", style="bold")
    return text
