"""The rules for saving answers (pure)."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from libs.chassis.errors import FieldError
from libs.instruments.asking import value_fault
from libs.instruments.conditions import Value
from libs.instruments.model import Instrument

SEALED_BYTES: Final = 128
"""Values are padded to a multiple of this length before they are sealed, so that their length does not tell them."""
IDLE_MINUTES: Final = 15
"""The time after the last save in which needs are judged, if nobody completes the instrument."""


class Saved(NamedTuple):
    """One answer of a save."""

    question: str
    value: Value
    replaces: int
    """The version of the answer that it corrects; 0 for the first one."""


class Standing(NamedTuple):
    """The present answer to a question."""

    version: int
    value: Value


def answer_faults(instrument: Instrument, saved: Sequence[Saved], *, today: date) -> list[FieldError]:
    """The faults of a save. Each names its place; no fault repeats a value."""
    faults: list[FieldError] = []
    seen: set[str] = set()
    for number, one in enumerate(saved):
        at, question = f"/answers/{number}", instrument.by_id.get(one.question)
        if question is None:
            faults.append(FieldError(f"{at}/question", "unknown-question", "The instrument has no such question"))
            continue
        if one.question in seen:
            faults.append(FieldError(f"{at}/question", "question-repeated", "A question may occur only once"))
        seen.add(one.question)
        fault = value_fault(question, one.value, today=today, pointer=f"{at}/value")
        faults += [] if fault is None else [fault]
    return faults


def news(saved: Sequence[Saved], standing: Mapping[str, Standing]) -> list[Saved]:
    """The answers that change something. The same answer again changes nothing, whatever version it replaces."""
    return [one for one in saved if one.question not in standing or standing[one.question].value != one.value]


def overtaken(changing: Sequence[Saved], standing: Mapping[str, Standing]) -> list[str]:
    """The questions whose answer somebody else has changed since this sender saw it."""
    versions = {question: one.version for question, one in standing.items()}
    return [one.question for one in changing if versions.get(one.question, 0) != one.replaces]


def packed(value: Value) -> str:
    """The text to seal."""
    text = json.dumps(value, ensure_ascii=False)
    return text + " " * (-len(text.encode()) % SEALED_BYTES)


def unpacked(text: str) -> Value:
    """The value of a text that was sealed."""
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value
