"""Who may do what about access in an emergency (pure)."""

from __future__ import annotations

from typing import Final

from services.console.sessions import Rights

WAITING: Final = "waiting"
OPEN: Final = "open"
ASKS: Final = ("emergency:open", "emergency-person:read")
READS: Final = ("emergency:read",)
APPROVES: Final = (*READS, "emergency:approve")
REVIEWS: Final = (*READS, "emergency:review")


def asks(rights: Rights) -> bool:
    """Whether they may ask for access, and see the person afterwards."""
    return rights.may(*ASKS)


def reads(rights: Rights) -> bool:
    """Whether they see the requests of everybody: who decides or reviews."""
    return rights.staff and rights.may(*READS)


def approves(rights: Rights) -> bool:
    """Whether they decide as the second person."""
    return rights.staff and rights.may(*APPROVES)


def reviews(rights: Rights) -> bool:
    """Whether they review as the data protection officer."""
    return rights.staff and rights.may(*REVIEWS)
