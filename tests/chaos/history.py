"""What the clients of one run have sent, and what they were told: the side of the story that the system cannot forge.

An input is *acknowledged* when its sender has been told so: the broker's acknowledgement of an event, a 2xx of an API.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Arrival:
    """One person who came, by event or by REST. `source` and `reference` name the arrival."""

    source: str
    reference: str
    needs_count: int
    acknowledged_at: float | None = None
    returnee_id: str | None = None
    """Told by REST only."""


@dataclass(slots=True)
class NeedAdded:
    """One more need, told by REST after the intake."""

    returnee_id: str
    key: str
    need_id: str | None = None
    acknowledged_at: float | None = None
    refused: str | None = None
    """The code with which it was refused for good, such as of a person who was erased meanwhile."""
    calls: int = 1
    """How often it was sent. After more than one call, an answer was lost or said to come again."""

    @property
    def may_be_there(self) -> bool:
        """Whether it can be registered. If it was refused because the person had been erased, an earlier call can have
        been taken before the erasure, if its answer was lost."""
        return self.refused is None or (self.refused == "returnee-erased" and self.calls > 1)


@dataclass(slots=True)
class Step:
    """A step that somebody took by REST: an answer to an offer, a start, a completion, a withdrawal, an erasure.

    `subject_id` is the offer's, referral's, need's or returnee's id.
    """

    step: str
    subject_id: str
    key: str
    status: int | None = None
    """Of the definite answer; None: there was none."""
    code: str | None = None
    acknowledged_at: float | None = None

    @property
    def is_acknowledged(self) -> bool:
        """Whether its sender was told that it is done."""
        return self.acknowledged_at is not None


@dataclass(slots=True)
class Declared:
    """A declaration of capacity: maxima by pool, and the version that the answer named."""

    service_id: str
    maxima: dict[str, int]
    version: int | None = None
    acknowledged_at: float | None = None


@dataclass(slots=True)
class Happened:
    """A fault that was done to the system. Seconds of this machine's monotonic clock since the run began."""

    kind: str
    target: str
    at: float
    lasted_s: float


@dataclass
class History:
    """Everything that the clients know."""

    arrivals: list[Arrival] = field(default_factory=list)
    needs: list[NeedAdded] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    faults: list[Happened] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    """Answers that no client may get, such as a 500 or a 4xx to a rightful input."""
    attempts_again: int = 0
    began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    @property
    def acknowledged_count(self) -> int:
        """How many inputs their senders were told of as done."""
        inputs: Iterable[Any] = [*self.arrivals, *self.needs, *self.steps, *self.declared]
        return sum(one.acknowledged_at is not None for one in inputs)

    @property
    def unanswered_count(self) -> int:
        """Inputs whose senders gave up before anybody told them anything: nothing is promised about these."""
        without: list[Any] = [*self.arrivals, *self.declared, *(need for need in self.needs if need.refused is None)]
        silent = sum(one.acknowledged_at is None for one in without)
        return silent + sum(step.status is None for step in self.steps)

    def save(self, path: Path) -> None:
        """Write it down, a line of JSON for each input and fault."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for kind in ("arrivals", "needs", "steps", "declared", "faults"):
                for one in getattr(self, kind):
                    file.write(json.dumps({"kind": kind} | asdict(one)) + "\n")
