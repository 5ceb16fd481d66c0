"""How a printed table of states is read: one line per step, checked when the module that prints it is imported.

The columns: the state before (`-`: it begins here; a name of several states stands for each of them), the step, the
state after (`=`: it stays as it is), what must hold besides (`-`: nothing), the event by which others see this step
(`-`: they see it by the step that it follows, or not at all), and who may take it.
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
    """Who takes steps. A step that follows from another is taken by whoever took that one."""

    PROVIDER = "provider"
    """A partner, by a token that names its organisation."""
    DESK = "desk"
    """A person of the network's staff, by a token that names no organisation."""
    ROUTER = "router"
    """The rounds."""
    CLOCK = "clock"
    """A timer that has run out."""
    AUTO = "auto"
    """A service that its provider lets accept by itself."""
    REGISTRATION = "registration"
    """What registration tells: needs, consents, withdrawals, erasure."""
    WATCHER = "watcher"
    """The watch over the promises, which names an owner for a need that was forgotten."""


NETWORK: Final = frozenset({Who.ROUTER, Who.CLOCK, Who.AUTO, Who.REGISTRATION, Who.WATCHER})
"""Those who are recorded by their own name; people and partners are recorded by the subject of their token."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold for a step besides the state."""

    words: str
    """Reads on after "only if"."""
    refused: tuple[str, ...] = ()
    """The public codes of its refusals; none where the network itself takes the step only when it holds."""


class Row(NamedTuple, Generic[_State, _Step]):
    """One step from one state."""

    state: _State | None
    """None: it begins here."""
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
    def beginnings(self) -> tuple[Row[_State, _Step], ...]:
        """How one comes to be."""
        return tuple(row for row in self.rows if row.state is None)

    @property
    def next(self) -> dict[tuple[_State, _Step], _State]:
        """Where each allowed pair of state and step leads."""
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
    """The table as rows, in its order; raises ValueError on an unknown word or a pair that leads to two."""
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
    """Where `step` leads from `state`; raises StepNotAllowed, which names all three."""
    try:
        return table[state, step]
    except KeyError:
        raise not_allowed(subject, state, step, f"is {state.value}") from None


def not_allowed(subject: str, state: StrEnum, step: StrEnum, why: str) -> StepNotAllowed:
    """The refusal of a step; `why` reads on after the subject."""
    words = f"{step.value} is not allowed while the {subject} {why}"
    return StepNotAllowed(words, subject=subject, state=state.value, step=step.value)
