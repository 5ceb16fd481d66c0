"""Shows a verdict as tables, and writes it down as JSON."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.checker import Verdict

MUST_BE_ZERO = {
    "lost": "lost",
    "double_effects": "double effects",
    "order_inversions": "order inversions per key",
    "holds_above_maximum": "holds above the maximum known",
    "unattended_needs": "needs that break the first invariant",
    "parked": "parked events",
}
EXAMPLES_SHOWN = 5


def show(verdict: Verdict, console: Console, *, title: str) -> None:
    """Figures, faults, and examples of what is wrong."""
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_row("acknowledged inputs", f"{verdict.acknowledged:,}")
    for name, words in MUST_BE_ZERO.items():
        count = getattr(verdict, name)
        table.add_row(words, f"[{'red' if count else 'green'}]{count}[/]")
    table.add_row("duplicates on the wire", str(verdict.duplicates_on_the_wire))
    table.add_row("webhooks repeated", str(verdict.webhooks_repeated))
    table.add_row("inputs without an answer", str(verdict.unanswered))
    table.add_row("answers that nobody may get", str(len(verdict.surprises)))
    for name, count in verdict.counts.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    done = Table(title="Faults", title_justify="left")
    done.add_column("fault")
    done.add_column("times", justify="right")
    for name, count in sorted(verdict.faults.items()):
        done.add_row(name, str(count))
    done.add_row("restarts by the supervisor", str(sum(verdict.restarts.values())))
    console.print(done)
    for name, lines in verdict.examples.items():
        for line in lines[:EXAMPLES_SHOWN]:
            console.print(f"{MUST_BE_ZERO[name]}: {line}", style="red", markup=False)
    for line in verdict.surprises[:EXAMPLES_SHOWN]:
        console.print(f"surprise: {line}", style="red", markup=False)
    for line in verdict.unsettled:
        console.print(f"DID NOT COME TO REST: {line}", style="bold red", markup=False)


def write(verdict: Verdict, path: Path, **about: object) -> None:
    """The whole verdict, with what the run was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "good": verdict.is_good, **asdict(verdict)}, indent=1) + "\n")
