"""Programs and people among the callers (pure).

All people who sign in to a client have the same `client_id` in their tokens, so it does not tell them apart. A program
has a client of its own. Its subject is its client id or, at Keycloak, the id of its service account. So a comparison
of the subject with the client id cannot decide what a caller is.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

_ROLE_OR_DESK: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")
PERSON: Final = "person:"
"""The prefix of a principal that is a person. The subject follows."""


def is_of_person(claims: Mapping[str, Any], interactive: AbstractSet[str]) -> bool:
    """Whether the token belongs to a person who signed in: its client is for people, or it says how the sign-in was.

    `auth_time` and `amr` (RFC 9068, 2.2.1) are claims of a sign-in, which no program has. They also find people at a
    client that is missing in the setting, if the issuer writes them. A token whose subject is its client is a program's
    at other clients.
    """
    if claims["client_id"] in interactive:
        return True
    return claims["sub"] != claims["client_id"] and bool(claims.get("auth_time") or claims.get("amr"))


def principal_of(client_id: str, subject: str, *, person: bool) -> str:
    """The owner of what a caller sends: the client of a program, or one person whichever client the person uses."""
    return f"{PERSON}{subject}" if person else client_id


def digest_of(client_id: str, subject: str) -> str:
    """A caller without its names, for logs and for the keys of limits: a subject can be a person's name."""
    return hashlib.sha256(json.dumps([client_id, subject]).encode()).hexdigest()[:32]


def acting_as(roles: Iterable[str], desks: Iterable[str]) -> tuple[str, ...]:
    """The roles and desks of a token as a record of access stores them: `role:reception_clerk`, `desk:conamigua`.

    Texts that are no codes are omitted, because the issuer of the token writes them and the record is read by people.
    """
    told = [("role", one) for one in roles] + [("desk", one) for one in desks]
    return tuple(f"{kind}:{code}" for kind, code in sorted(set(told)) if _ROLE_OR_DESK.fullmatch(code))
