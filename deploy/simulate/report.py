"""The tables that the simulation shows at the end (rich renderables, no I/O), and the same figures as JSON."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from rich.table import Table

from deploy.simulate.closure import Category, at, total

COLUMNS: Final = (
    "needs", "offers", "answered", "only_acknowledged", "no_response", "cascaded", "escalated", "met", "refused",
    "closed", "open", "unowned",
)  # fmt: skip
TIME_TITLES: Final = {
    "to_offer": "first offer",
    "to_answer": "first answer",
    "to_accepted": "accepted",
    "to_owner": "a desk owns it",
    "to_met": "met",
}
OWNERS_MAX: Final = 24


def closure_table(categories: Mapping[str, Category], *, by: str = "category") -> Table:
    """Needs by category or stage, and what happened to them."""
    table = Table(title=f"Needs by {by}, and what happened to them", header_style="bold")
    table.add_column(by, no_wrap=True)
    for name in COLUMNS:
        table.add_column(name.replace("_", " "), justify="right")
    for category, row in categories.items():
        table.add_row(category, *_cells(row))
    table.add_section()
    table.add_row("all", *_cells(total(categories)), style="bold")
    return table


def _cells(row: Category) -> list[str]:
    return [f"[bold red]{value}[/]" if name == "unowned" and (value := row.unowned) else str(getattr(row, name))
            for name in COLUMNS]  # fmt: skip


def times_table(categories: Mapping[str, Category]) -> Table:
    """The time from the report of the need to each step: the median and the 90th percentile."""
    table = Table(title="Time since the report of the need: median, 90th percentile", header_style="bold")
    table.add_column("category", no_wrap=True)
    for title in TIME_TITLES.values():
        table.add_column(title, justify="right")
    rows = {**categories, "all": total(categories)}
    for category, row in rows.items():
        table.add_row(category, *(_span_of(row.times[name]) for name in TIME_TITLES))
    return table


def _span_of(times: list[timedelta]) -> str:
    return "-" if not times else f"{span(at(times, 0.5))}, {span(at(times, 0.9))}"


def span(time: timedelta) -> str:
    """A time as a text, in a unit in which it is easy to read."""
    minutes = time.total_seconds() / 60
    if minutes < 1:
        return f"{time.total_seconds():.0f} s"
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 72 * 60 else f"{minutes / 1440:.0f} d"


def owners_table(categories: Mapping[str, Category]) -> Table:
    """Who is responsible for the open needs."""
    table = Table(title="Who is responsible for the open needs", header_style="bold")
    table.add_column("who", no_wrap=True)
    table.add_column("needs", justify="right")
    for who, number in Counter(total(categories).open_with).most_common(OWNERS_MAX):
        table.add_row(who, str(number), style="bold red" if who == "nobody" else "")
    return table


def deeds_table(done: Counter[str], refused: Counter[str]) -> Table:
    """What the programs did, and the steps that were refused because they were no longer possible."""
    table = Table(title="What returnees, providers and desks did", header_style="bold")
    table.add_column("")
    table.add_column("", justify="right")
    for word, number in sorted(done.items()):
        table.add_row(word, str(number))
    table.add_section()
    for word, number in sorted(refused.items()):
        table.add_row(f"refused, {word}", str(number))
    return table


def as_json(categories: Mapping[str, Category], stages: Mapping[str, Category], **more: Any) -> dict[str, Any]:
    """The figures of all tables as JSON."""
    return {
        **more,
        "categories": {category: row.figures() for category, row in categories.items()},
        "stages": {stage: row.figures() for stage, row in stages.items()},
        "all": total(categories).figures(),
    }
