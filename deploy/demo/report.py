"""The tables that the demo shows at the end (rich renderables, no I/O)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.demo.acts import Act
from deploy.demo.looking import Pool
from deploy.demo.outcomes import Counts
from deploy.demo.partners import Tally
from deploy.packs.directory import Directory

REASONS_MAX = 8


def needs_table(counts: Mapping[tuple[str, str], Counts]) -> Table:
    """The counts of needs by kind, and how far they have come."""
    table = Table(title="Needs of this flight and this bus", header_style="bold")
    table.add_column("category", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for title in ("needs", "offered", "accepted", "waitlisted", "after another", "with an owner"):
        table.add_column(title, justify="right")
    before = ""
    for (category, kind), row in counts.items():
        table.add_row("" if category == before else category, kind or "not told", *_cells(row))
        before = category
    table.add_section()
    table.add_row("all", "", *_cells(sum(counts.values(), Counts())), style="bold")
    return table


def stages_table(counts: Mapping[int, Counts], names: Mapping[int, str]) -> Table:
    """The same by stage of the referral mechanism."""
    table = Table(title="The same needs by stage of the referral mechanism", header_style="bold")
    table.add_column("stage", no_wrap=True)
    for title in ("needs", "offered", "accepted", "waitlisted", "after another", "with an owner"):
        table.add_column(title, justify="right")
    for stage, row in counts.items():
        table.add_row(f"{stage} {names[stage]}", *_cells(row))
    return table


def _cells(row: Counts) -> list[str]:
    return [str(getattr(row, name)) for name in row.__slots__]


def places_table(before: Mapping[str, Pool], after: Mapping[str, Pool], directory: Directory) -> Table:
    """Places per service before and after the run. A service that uses more places than its maximum is red."""
    title = "Places by service: maximum, declared free, in use before, then held, taken and in use after"
    table = Table(title=title, header_style="bold")
    table.add_column("service", no_wrap=True)
    for title in ("maximum", "free", "before", "held", "taken", "after"):
        table.add_column(title, justify="right")
    for service in directory.services:
        for declared in service.pools:
            pool = after.get(str(service.pool_id(declared.kind)))
            if pool is None or service.restricted:
                continue
            old = before.get(pool.pool_id)
            used_before, used_after = (old.held + old.taken if old else 0), pool.held + pool.taken
            if used_after or used_before:
                style = "bold red" if pool.is_over else ""
                numbers = (pool.maximum, declared.available, used_before, pool.held, pool.taken, used_after)
                table.add_row(service.name, *map(str, numbers), style=style)
    return table


def why_panel(
    *, case_code: str, need: Mapping[str, Any], offer: Mapping[str, Any], explanation: Mapping[str, Any],
    names: Mapping[str, str],
) -> Panel:  # fmt: skip
    """The reasons for this provider and against the others, for one need of one person."""
    said_before = [
        f"{names.get(one['provider_service_id'], '?')}: {one['status']} {one.get('reason') or ''}".strip()
        for referral in need["referrals"]
        for one in referral["offers"]
        if one["status"] in {"declined", "expired"}
    ]
    lines = [
        Text(
            f"{need['kind'] or need['category']}, {need['urgency']}: {names[offer['provider_service_id']]} accepted",
            "bold",
        )
    ]
    lines += [Text(f"asked before: {said}", "yellow") for said in said_before]
    for place, one in enumerate(explanation["ranked"][:3]):
        parts = ", ".join(f"{name} {value:g}" for name, value in one["parts"].items())
        word = "chosen" if place == 0 else "next best"
        lines.append(Text(f"{word}: {names.get(one['provider_service_id'], '?')}, score {one['score']:g} ({parts})"))
    more = len(explanation["excluded"]) - REASONS_MAX
    for one in explanation["excluded"][:REASONS_MAX]:
        reasons = ", ".join(one["reasons"])
        lines.append(Text(f"excluded: {names.get(one['provider_service_id'], '?')} ({reasons})", "dim"))
    if more > 0:
        lines.append(Text(f"and {more} more excluded services", "dim"))
    return Panel(Group(*lines), title=case_code, title_align="left")


def act_panel(act: Act) -> Panel:
    """One scene of the demo, line by line."""
    lines = act.lines or ("This did not happen in this run.",)
    style = "none" if act.happened else "bold red"
    return Panel(Group(*(Text(line) for line in lines)), title=act.title, title_align="left", border_style=style)


def partners_table(tally: Tally, *, offers: Counter[str], rerouted: int) -> Table:
    """Counts of what the partners did and of how the offers of this run ended."""
    table = Table(title="What the partners did", header_style="bold")
    table.add_column("")
    table.add_column("", justify="right")
    done = tally.done
    rows: list[tuple[str, int]] = [
        ("offers heard of", done["heard"]),
        ("acknowledged", done["acknowledged"]),
        ("accepted", done["accepted"]),
        *((f"declined, {reason}", count) for reason, count in sorted(tally.declined.items())),
        ("left without an answer", done["silent"]),
        ("answered too late", done["late"]),
        ("packets fetched after acceptance", done["packet"]),
        ("packets closed before they were fetched", done["packet_closed"]),
        ("services started", done["started"]),
        ("services completed", done["completed"]),
        ("reported as not delivered", done["not_delivered"]),
        ("offers of this run that expired", offers["expired"]),
        ("needs that a later candidate accepted", rerouted),
    ]
    for word, count in rows:
        table.add_row(word, str(count))
    return table


def promises_table(kept: Sequence[tuple[str, bool, str]]) -> Table:
    """Each promise, whether it holds, and what was found."""
    table = Table(title="The promise", header_style="bold")
    table.add_column("promise")
    table.add_column("kept")
    table.add_column("found")
    for promise, holds, found in kept:
        table.add_row(promise, "[green]yes[/green]" if holds else "[bold red]NO[/bold red]", found)
    return table


def addresses_table(addresses: Iterable[tuple[str, str]]) -> Table:
    """The addresses of the console and of the services' API documents."""
    table = Table(title="Addresses in this run (`make up` prints its own)", header_style="bold")
    table.add_column("")
    table.add_column("")
    for name, url in addresses:
        table.add_row(name, url)
    return table
