"""The console as a local process, and the sample people who sign in to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local.console_client import CONSOLE_SECRET
from deploy.local.installation import DATABASE_VARIABLES, OWNER_VARIABLES, Installation
from deploy.local.people import PeopleBook
from deploy.local.person import Person

CONSOLE: Final = "console"
"""The name of the process, of its port and of its log."""
SAMPLES_MOST: Final = 6
_FIRST_ROLES: Final[tuple[str, ...]] = (
    "reception_clerk", "lead_desk", "provider", "operator", "network_steward", "data_protection_officer",
)  # fmt: skip
"""The roles whose views differ most."""


def console_command(port: int) -> list[str]:
    """The command that runs the console."""
    return [sys.executable, "-m", "services.console.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]


def console_environment(installation: Installation, common: Mapping[str, str]) -> dict[str, str]:
    """The environment of the console: addresses, the clock, and the secret of its client at the issuer.

    Nothing about databases and Kafka is in it, because the console uses the public APIs only.
    """
    return {
        **{name: value for name, value in os.environ.items() if _concerns_the_console(name)},
        **{name: value for name, value in common.items() if _concerns_the_console(name)},
        "ENLACE_PACK": str(installation.pack),
        "ENLACE_SPANS_DIRECTORY": str(installation.state / "spans"),
        "PYTHONUNBUFFERED": "1",
        "ENLACE_CONSOLE_CLIENT_SECRET": installation.keyring.get(CONSOLE_SECRET),
        **installation.extra,
        **installation.own.get(CONSOLE, {}),
    }


def _concerns_the_console(name: str) -> bool:
    return not name.startswith("KAFKA_") and name not in {*DATABASE_VARIABLES, *OWNER_VARIABLES}


def sample_sign_ins(pack: Path) -> list[Person]:
    """At most six sample people, each with another role, those with the most different views first."""
    by_role: dict[str, Person] = {}
    for person in PeopleBook(pack).everybody():
        by_role.setdefault(person.roles[0], person)
    order = [role for role in _FIRST_ROLES if role in by_role]
    order += [role for role in by_role if role not in order]
    return [by_role[role] for role in order[:SAMPLES_MOST]]
