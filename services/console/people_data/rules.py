"""Looks at a person's data in words, in the order of time (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

Json = Mapping[str, Any]
SERVICES: Final = ("registration", "referral")
"""The services that keep a record of access."""


def merged(pages: Mapping[str, Sequence[Json]]) -> list[Json]:
    """The looks that both services have recorded, newest first; each says which service it is of."""
    rows = [{**row, "service": service} for service, page in pages.items() for row in page]
    return sorted(rows, key=lambda row: str(row["at"]), reverse=True)


def roles_and_desks(acting_as: Iterable[str]) -> str:
    """The codes of the roles and desks in which somebody looked, without their kind."""
    return ", ".join(one.partition(":")[2] for one in acting_as)


def deletion_state(request: Json) -> str:
    """What is known of the answer to a deletion request."""
    if request["answer"] is not None:
        return str(request["answer"])
    return "overdue" if request["overdue"] else "waits"
