"""The table as a page: how many requirements stand how, what is open, and every requirement by chapter."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from deploy.asvs.table import LEVELS, TABLE, Requirement, State, levels, table

PAGE: Final = "docs/security.md"
_HEAD: Final = """\
# Security, requirement by requirement

Written by `python -m deploy.asvs write` from `{table}`; change that, not this page. `make check` refuses a requirement
without a line, a line without its reason, and a line that names code or a test which is not there.

The yardstick is {source}, levels 1 and 2: {count} requirements. What attackers want, what stops them and what does
not is in [SECURITY.md](../SECURITY.md); what has been decided about data, keys, tokens, connections, limits and logs in
[security/policies.md](security/policies.md).

*Met* means: somebody has read the code that is named and a test that fails without it. *Open* means that something is
missing, and says what. *Not applicable* means that there is nothing in the system which the requirement is about.
"""
_FOOT: Final = """\
## Source and licence

Numbers and levels are those of the {source}, <{url}>. {copyright}. {licence}, <{licence_url}>. {changes} This page,
`{table}` and `{levels}` are adapted from it and stand under the same licence.
"""


def page() -> str:
    """The whole page."""
    published, told = levels(), table()
    lines = told.requirements
    facts = published.model_dump() | {"table": TABLE, "levels": LEVELS, "count": len(lines)}
    parts = [_wrapped(_HEAD.format_map(facts)), _counts(lines), *_open(lines)]
    for chapter, title in published.chapters.items():
        rows = [line for line in lines if line.id.startswith(f"{chapter}.")]
        parts += [f"## {chapter} {title}", "\n".join(_chapter(rows, published.requirements))]
    parts += ["## Shared reasons", "\n\n".join(_wrapped(f"**{name}.** {why}") for name, why in told.reasons.items())]
    parts.append(_wrapped(_FOOT.format_map(facts)))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _counts(lines: Iterable[Requirement]) -> str:
    counted = Counter((line.id.split(".")[0], line.state) for line in lines)
    rows = [f"| chapter | {' | '.join(State)} |", "|---|---|---|---|"]
    for chapter, title in levels().chapters.items():
        rows.append(f"| {chapter} {title} | {' | '.join(str(counted[chapter, state]) for state in State)} |")
    sums = (sum(number for (_, one), number in counted.items() if one is state) for state in State)
    return "\n".join([*rows, f"| all | {' | '.join(map(str, sums))} |"])


def _open(lines: Iterable[Requirement]) -> Iterator[str]:
    rows = [f"| {line.id} | {line.asks} | {line.why} |" for line in lines if line.state is State.OPEN]
    if rows:
        yield "## What is open"
        yield "\n".join(["| | asks | what is missing |", "|---|---|---|", *rows])


def _chapter(lines: Iterable[Requirement], level_of: dict[str, int]) -> Iterator[str]:
    yield "| | level | asks | state | where, and what proves it |"
    yield "|---|---|---|---|---|"
    for line in lines:
        yield f"| {line.id} | {level_of[line.id]} | {line.asks} | {line.state} | {'<br>'.join(_where(line))} |"


def _where(line: Requirement) -> Iterator[str]:
    if line.code:
        yield ", ".join(f"`{place}`" for place in line.code)
    for test in line.tests:
        path, _, name = test.partition("::")
        yield f"`{path}`: *{name.removeprefix('test_').replace('_', ' ')}*"
    if line.because:
        yield f"*{line.because}* ([reason](#shared-reasons))"
    if line.why:
        yield "see [what is open](#what-is-open)" if line.state is State.OPEN else line.why


def _wrapped(text: str) -> str:
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(
        textwrap.fill(" ".join(one.split()), 120, break_on_hyphens=False, break_long_words=False) for one in paragraphs
    )
