"""The sample people of the country pack (`people.yaml`), who sign in to the console at the local issuer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.local.clients import organization_of, pack_file, parsed, scopes_by_role
from deploy.local.person import Person


class PeopleBook:
    """People by subject. A change of a file takes effect at once: at the next sign-in, and at the next refresh."""

    def __init__(self, pack: Path) -> None:
        self._pack = pack

    def find(self, subject: str) -> Person | None:
        """The person with this subject, with the scopes that their roles have now."""
        return next((one for one in self.everybody() if one.subject == subject), None)

    def everybody(self) -> list[Person]:
        """All people in the order of the file. A pack without `people.yaml` has none."""
        path = pack_file(self._pack, "people.yaml")
        if not path.exists():
            return []
        roles, labels = scopes_by_role(self._pack), self._labels()
        return [_person(entry, roles, labels) for entry in parsed(path)["people"]]

    def _labels(self) -> dict[str, str]:
        """The names of desks and organisations in `clients.yaml`, and of reception places."""
        clients = parsed(pack_file(self._pack, "clients.yaml"))["clients"]
        places = parsed(pack_file(self._pack, "reception.yaml"))["places"]
        named = {client["client_id"]: client["name"] for client in clients}
        return named | {code: place["name"] for code, place in places.items()}


def _person(entry: Mapping[str, Any], roles: Mapping[str, list[str]], labels: Mapping[str, str]) -> Person:
    organization = [entry["organization"]] if entry.get("organization") else []
    codes = [*organization, *(entry.get("desks") or ()), *(entry.get("reception_places") or ())]
    return Person(
        subject=entry["subject"],
        name=entry["name"],
        roles=tuple(entry["roles"]),
        scopes=frozenset(scope for role in entry["roles"] for scope in roles[role]),
        organization_id=organization_of(entry),
        desks=tuple(entry.get("desks") or ()),
        reception_places=tuple(entry.get("reception_places") or ()),
        staff=entry.get("staff") is True,
        of=", ".join(labels.get(code, code) for code in codes),
    )
