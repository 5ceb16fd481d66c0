"""The page as text: each lifecycle's diagram and steps, and how it reads in FHIR. The same tables, the same text."""

import textwrap
from collections.abc import Iterable, Iterator, Set
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

from services.referral.lifecycles.fhir import ASKED, REQUEST, SERVED
from services.referral.lifecycles.guards import GUARDS
from services.referral.lifecycles.printed import Lifecycle, Row, Who
from services.referral.lifecycles.rules import LIVE_OFFER, LIVE_REFERRAL, NEEDS, OFFERS, REFERRALS, OfferStatus

PAGE: Final = "docs/lifecycles.md"
_HEAD: Final = """\
# Lifecycles

Written by `python -m deploy.lifecycles write` from the tables in `services/referral/lifecycles/rules.py`; change
those, not this page. A need is what a person or household wants help with, a referral one need on its way to a
provider's service, an offer a referral put to one service while the clock of its answer runs.

**The first invariant: an open need has a live referral with a running clock, a place in a queue, a prerequisite it
waits on, or a named owner.** `GET /v1/invariants` counts what breaks it.

A step that a table does not have is refused: a 409 with the code `step-not-allowed` and the members `subject`,
`state` and `step`, and nothing is changed. An answer that comes too late for its offer has a code of its own,
`offer-recalled` or `offer-expired`. "Only if" is what a step needs besides the state; a code after it is that of
its refusal, and where there is none the network itself takes the step only then. A step without an event is seen by
the event of the step that it follows, such as `offer.accepted.v1` for the acceptance of a referral, or is the
network's own affair.

Who takes steps: """
_WHO: Final = {
    Who.PROVIDER: "a partner, for its own organisation",
    Who.DESK: "a person of the network's staff, whose scopes are the country pack's",
    Who.ROUTER: "the rounds",
    Who.CLOCK: "a timer that has run out",
    Who.AUTO: "a service that its provider lets accept by itself",
    Who.REGISTRATION: "what registration tells: needs, consents, withdrawals, erasure",
    Who.WATCHER: "the watch over the promises",
}
_ABOUT: Final = {
    "need": "An ended need can be reopened. It never disappears because a referral ended.",
    "referral": "A referral that has ended stays as it is, but for one that should never have been. A person goes on"
    " being helped by another referral of the same need; at most one is live.",
    "offer": "An offer holds its places while it is live and has taken them once it is accepted; every other end frees"
    " them.",
}
_FHIR: Final = """\
## In FHIR

One way: what happens here can be read there. A referral is a ServiceRequest, an offer and the service after it are
one Task, whose `businessStatus` has our own state. A rejected, cancelled or failed Task gives its coded reason, a
completed one its outcome. Every walk through the tables above is one that the referral Task of HL7's SDOH Clinical
Care guide may take."""


def page() -> str:
    """The whole page."""
    who = ", ".join(f"*{one.value}* ({_WHO[one]})" for one in Who)
    parts = [_wrapped(f"{_HEAD}{who}.")]
    parts += [*_lifecycle("Need", NEEDS, frozenset()), *_lifecycle("Referral", REFERRALS, LIVE_REFERRAL)]
    parts += [*_lifecycle("Offer", OFFERS, LIVE_OFFER), *_fhir()]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _lifecycle(title: str, table: Lifecycle[Any, Any], live: Set[StrEnum]) -> list[str]:
    return [f"## {title}", _wrapped(_ABOUT[table.subject]), _diagram(table, live), _steps(table, live)]


def _diagram(table: Lifecycle[Any, Any], live: Set[StrEnum]) -> str:
    """States as boxes, steps as arrows; a step that all live states have leaves the box around them."""
    drawn = list(dict.fromkeys((row.state, row.step, row.to) for row in table.rows if row.state is not row.to))
    shared = [key for key in {(step, to): None for _, step, to in drawn} if _states_of(drawn, key) >= live > set()]
    arrows = [(one, step, to) for one, step, to in drawn if one not in live or (step, to) not in shared]
    lines = ["```mermaid", "stateDiagram-v2"]
    if live:
        inside = [arrow for arrow in arrows if arrow[0] in live and arrow[2] in live]
        lines += ["    state live {", *(f"    {line}" for line in _arrows(inside)), "    }"]
        arrows = [arrow for arrow in arrows if arrow not in inside]
    lines += _arrows(arrows)
    lines += [f"    live --> {to.value}: {step.value}" for step, to in shared]
    return "\n".join([*lines, "```"])


def _states_of(drawn: Iterable[tuple[Any, Any, Any]], key: tuple[Any, Any]) -> set[Any]:
    return {state for state, step, to in drawn if (step, to) == key}


def _arrows(arrows: Iterable[tuple[Any, Any, Any]]) -> Iterator[str]:
    for state, step, to in arrows:
        yield f"    {'[*]' if state is None else state.value} --> {to.value}: {step.value}"


def _steps(table: Lifecycle[Any, Any], live: Set[StrEnum]) -> str:
    lines = ["| from | step | to | only if | event | who |", "|---|---|---|---|---|---|"]
    for _, group in groupby(table.rows, key=lambda row: (row.step, row.guard, row.event, _after(row))):
        rows = list(group)
        allowed = {one for row in rows for one in row.who}
        who = ", ".join(one.value for one in Who if one in allowed)
        event = f"`{rows[0].event}`" if rows[0].event else ""
        states = _named([row.state for row in rows], live)
        lines.append(
            f"| {states} | `{rows[0].step.value}` | {_after(rows[0])} | {_guard(rows[0].guard)} | {event} | {who} |"
        )
    return "\n".join(lines)


def _named(states: Iterable[Any], live: Set[StrEnum]) -> str:
    """The states by name; all the live ones in two words."""
    found = list(dict.fromkeys(state for state in states if state is not None))
    if live and live <= set(found):
        return ", ".join(["any live", *(state.value for state in found if state not in live)])
    return ", ".join(state.value for state in found)


def _after(row: Row[Any, Any]) -> str:
    return "stays" if row.state is row.to else str(row.to.value)


def _guard(code: str | None) -> str:
    if code is None:
        return ""
    guard = GUARDS[code]
    codes = " or ".join(f"`{one}`" for one in guard.refused)
    return f"{guard.words} ({codes})" if codes else guard.words


def _fhir() -> list[str]:
    requests = ["| referral | `ServiceRequest.status` |", "|---|---|"]
    requests += [f"| {state.value} | {status.value} |" for state, status in REQUEST.items()]
    tasks = ["| offer | referral | `Task.status` | `Task.businessStatus` |", "|---|---|---|---|"]
    tasks += [f"| {state.value} | | {status.value} | {state.value} |" for state, status in ASKED.items()]
    accepted = OfferStatus.ACCEPTED.value
    tasks += [f"| {accepted} | {state.value} | {status.value} | {state.value} |" for state, status in SERVED.items()]
    return [_wrapped(_FHIR), "\n".join(requests), "\n".join(tasks)]


def _wrapped(text: str) -> str:
    """Paragraphs broken at 120 characters; a heading stays a line of its own."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(
        textwrap.fill(" ".join(one.split()), 120, break_on_hyphens=False, break_long_words=False) for one in paragraphs
    )
