"""The states of a screening, how it is sealed, and which answers are refused (pure)."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final

from libs.chassis.errors import FieldError
from libs.instruments.asking import value_fault
from libs.instruments.conditions import Value
from libs.instruments.model import SCREENING_ANSWERS_BYTES_MAX, Instrument

SEALED_BYTES: Final = SCREENING_ANSWERS_BYTES_MAX + 1024
"""Every screening is padded to exactly this length before it is sealed: an open, a stopped and a completed one look the
same."""


class ScreeningStatus(StrEnum):
    """How far a screening is. Only who may read it learns this."""

    OPEN = "open"
    COMPLETED = "completed"
    STOPPED = "stopped"


class End(StrEnum):
    """How a screening ends. Nobody says why."""

    COMPLETE = "complete"
    STOP = "stop"


def may_begin(status: ScreeningStatus | None, *, asked_by_person: bool) -> bool:
    """Whether a screening may be opened: the first one, and one that was stopped if the person asks for it."""
    return status is None or (status is ScreeningStatus.STOPPED and asked_by_person)


def opener_of(subject: str) -> str:
    """The person who opened a screening, without a name."""
    return sha256(f"screening|{subject}".encode()).hexdigest()


def answer_faults(instrument: Instrument, told: Sequence[tuple[str, Value]], *, today: date) -> list[FieldError]:
    """The faults of answers. Each names its place; no fault repeats a value."""
    faults: list[FieldError] = []
    seen: set[str] = set()
    for number, (code, value) in enumerate(told):
        at, question = f"/answers/{number}", instrument.by_id.get(code)
        if question is None:
            faults.append(FieldError(f"{at}/question", "unknown-question", "The instrument has no such question"))
            continue
        if code in seen:
            faults.append(FieldError(f"{at}/question", "question-repeated", "A question may occur only once"))
        seen.add(code)
        fault = value_fault(question, value, today=today, pointer=f"{at}/value")
        faults += [] if fault is None else [fault]
    return faults


def as_values(stored: Mapping[str, str | list[str] | None]) -> dict[str, Value]:
    """Stored answers as values."""
    return {question: tuple(value) if isinstance(value, list) else value for question, value in stored.items()}
