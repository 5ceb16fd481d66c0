"""The steps of a release: what is missing, who may take each, and what the forms send (pure).

Registration decides. This only shows people what it would say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.console.sessions import Rights

Json = Mapping[str, Any]
OPEN: Final = "open"
AFRAID: Final = "is_afraid"
READS: Final = ("child-releases:read",)
DESK: Final = (*READS, "child-releases:write")
AUTHORITY: Final = (*READS, "child-releases:sign-off")
BEGINS: Final = (*DESK, "returnees:read")
"""Who names a relative finds the child by the case code."""


def reads(rights: Rights) -> bool:
    """Whether releases exist for them."""
    return rights.staff and rights.may(*READS)


def is_desk(rights: Rights) -> bool:
    """Whether they take the steps of the child desk."""
    return rights.staff and rights.may(*DESK)


def begins(rights: Rights) -> bool:
    """Whether they may name a relative."""
    return is_desk(rights) and rights.may(*BEGINS)


def is_authority(rights: Rights) -> bool:
    """Whether they sign off. Who can do the work of the desk is not the authority."""
    return rights.staff and rights.may(*AUTHORITY) and not rights.may(*DESK)


def took(row: Json, step: str, subject: str) -> bool:
    """Whether this person took the step, such as `named` or `verified`."""
    return bool(row[f"{step}_by"] == f"person:{subject}")


def missing_to_sign(row: Json) -> list[str]:
    """What the authority cannot sign off without, as codes of registration."""
    missing = [] if row["wish"] or row["not_heard_because"] else ["child-view"]
    missing += ["child-is-afraid"] if row["wish"] == AFRAID else []
    return missing if row["verified_at"] else [*missing, "verification"]


def missing_to_hand_over(row: Json, *, at: datetime) -> list[str]:
    """What the child cannot be handed over without."""
    missing = missing_to_sign(row)
    if not row["signed_at"]:
        return [*missing, "sign-off"]
    if row["sign_off_withdrawn_at"]:
        return [*missing, "sign-off-withdrawn"]
    valid = datetime.fromisoformat(row["sign_off_valid_until"]) > at
    return missing if valid else [*missing, "sign-off-too-old"]


def without_empty(told: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in, so that the service names what is missing."""
    return {name: value for name, value in told.items() if value}


def first_missing(row: Json, *, at: datetime) -> str | None:
    """What an open release waits for first; None if the child can be handed over, or if the release has ended."""
    found: Sequence[str] = missing_to_hand_over(row, at=at) if row["status"] == OPEN else ()
    return next(iter(found), None)
