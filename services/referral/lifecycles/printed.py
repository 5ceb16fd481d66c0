"""Reads a table of states that is written as text, one line per step. A table is checked when its module is imported.

The columns: the state before (`-`: the step creates the subject; the name of several states means each of them), the
step, the state after (`=`: unchanged), the condition (`-`: none), the event that tells others about this step (`-`:
none; they see the event of the step that caused it, if any), and who may take the step.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, NamedTuple, TypeVar

from services.referral.errors import StepNotAllowed

COLUMNS: Final = ["from", "step", "to", "guard", "event", "who"]
"""The first line of every table."""

_State = TypeVar("_State", bound=StrEnum)
_Step = TypeVar("_Step", bound=StrEnum)


class Who(StrEnum):
    """Who takes steps. A step that results from another step has the same actor."""

    PROVIDER = "provider"
    """A partner, with a token that names its organisation."""
    DESK = "desk"
    """A member of the network's staff, with a token that names no organisation."""
    ROUTER = "router"
    """A round of the router."""
    CLOCK = "clock"
    """A clock that has run out."""
    AUTO = "auto"
    """A service that accepts offers automatically."""
    REGISTRATION = "registration"
    """An event from registration: needs, consents, withdrawals, erasure."""
    WATCHER = "watcher"
    """The watcher of the promises. It names an owner for a need that has none and no clock."""


NETWORK: Final = frozenset({Who.ROUTER, Who.CLOCK, Who.AUTO, Who.REGISTRATION, Who.WATCHER})
"""Actors that are recorded with their own name. People and partners are recorded with the subject of their token."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of a step in addition to the state."""

    words: str
    """The condition as text that follows "only if"."""
    refused: tuple[str, ...] = ()
    """The public codes of its refusals. Empty if only the network takes the step, and only when the condition holds."""


class Row(NamedTuple, Generic[_State, _Step]):
    """One step from one state."""

    state: _State | None
    """The state before the step. None if the step creates the subject."""
    step: _Step
    to: _State
    guard: str | None
    event: str | None
    who: frozenset[Who]


@dataclass(frozen=True)
class Lifecycle(Generic[_State, _Step]):
    """All the steps of one subject."""

    subject: str
    rows: tuple[Row[_State, _Step], ...]

    @property
    def next(self) -> dict[tuple[_State, _Step], _State]:
        """The next state for each allowed pair of state and step."""
        return {(row.state, row.step): row.to for row in self.rows if row.state is not None}


def lifecycle(
    subject: str,
    states: type[_State],
    steps: type[_Step],
    table: str,
    *,
    guards: Mapping[str, Guard],
    named: Mapping[str, Set[_State]] | None = None,
) -> Lifecycle[_State, _Step]:
    """The rows of the table, in its order. Raises ValueError for an unknown word, or for a pair with two next
    states."""
    head, *lines = [line.split() for line in table.strip().splitlines()]
    if head != COLUMNS:
        raise ValueError(f"the table of the {subject} has the columns {head}")
    rows: list[Row[_State, _Step]] = []
    for before, step, after, guard, event, *who in lines:
        if guard != "-" and guard not in guards:
            raise ValueError(f"{step} of the {subject} has the guard {guard}, which is not explained")
        for state in _states(before, states, named or {}):
            to = state if after == "=" else states(after)
            if to is None or not who:
                raise ValueError(f"{step} of the {subject} from {before} is no row")
            allowed = frozenset(map(Who, who))
            told = None if event == "-" else event
            rows.append(Row(state, steps(step), to, None if guard == "-" else guard, told, allowed))
    found = Lifecycle(subject, tuple(rows))
    led = found.next
    if any(row.state is not None and led[row.state, row.step] is not row.to for row in rows):
        raise ValueError(f"a step of the {subject} leads from one state to two")
    return found


def _states(word: str, states: type[_State], named: Mapping[str, Set[_State]]) -> Iterator[_State | None]:
    if word == "-":
        yield None
    elif word in named:
        yield from (state for state in states if state in named[word])
    else:
        yield states(word)


def follow(subject: str, table: Mapping[tuple[_State, _Step], _State], state: _State, step: _Step) -> _State:
    """The state after `step`. Raises StepNotAllowed, which names the subject, the state and the step."""
    try:
        return table[state, step]
    except KeyError:
        raise not_allowed(subject, state, step, f"is {state.value}") from None


def not_allowed(subject: str, state: StrEnum, step: StrEnum, why: str) -> StepNotAllowed:
    """The refusal of a step. `why` is the text that follows the subject."""
    words = f"{step.value} is not allowed while the {subject} {why}"
    return StepNotAllowed(words, subject=subject, state=state.value, step=step.value)
