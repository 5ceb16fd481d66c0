"""A person who signs in at the local issuer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

IDENTITY_SCOPES: Final = frozenset({"openid", "profile"})
"""Scopes that only concern the ID token. All others are scopes of our services."""


@dataclass(frozen=True)
class Person:
    """A person with the claims of their access tokens."""

    subject: str
    name: str
    roles: tuple[str, ...]
    scopes: frozenset[str]
    organization_id: UUID | None = None
    desks: tuple[str, ...] = ()
    reception_places: tuple[str, ...] = ()
    staff: bool = False
    of: str = ""
    """The organisation, desks or reception places by name, for the sign-in page."""

    def get_user_id(self) -> str:
        """The claim `sub`."""
        return self.subject

    def granted(self, asked: str) -> str:
        """The scopes of a token: those of the person's roles. If `asked` names some of our scopes, only these."""
        wanted = set(asked.split())
        named = wanted - IDENTITY_SCOPES
        return " ".join(sorted(wanted & IDENTITY_SCOPES | (self.scopes & named if named else self.scopes)))
