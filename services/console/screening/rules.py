"""How a screening is shown and answered (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = Mapping[str, Any]
OPEN: Final = "open"
STOPPED: Final = "stopped"
SEVERAL: Final = "several_of"
YES_NO: Final = "yes_no"


def value_told(question_type: str, values: Sequence[str]) -> str | list[str]:
    """The answer in the form that registration expects: a list only where several answers are possible."""
    return list(values) if question_type == SEVERAL else next(iter(values), "")


def questions_of(view: Json) -> dict[str, Json]:
    """The questions of the instrument by their ids."""
    return {one["id"]: one for one in view["instrument"]["questions"]}


def codes_of(value: Any) -> list[str]:
    """The codes of an answer; none if the person did not want to answer."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [str(value)]


def text_of(question: Json, code: str) -> str | None:
    """The text of an answer that was chosen; None for `yes` and `no`, which the console says in its own language."""
    return next((one["text"] for one in question["options"] if one["code"] == code), None)
