"""The clients of the local issuer: those of the country pack, and those that `make partner` has added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from deploy.local.keyring import Keyring, write_private
from deploy.local.tokens import Client
from deploy.packs.directory import load_overlay, organization_id
from libs.chassis.yaml_files import read_yaml


class UnknownClientError(Exception):
    """No client has this id, or its secret is not known here; the text says what to do."""


class ClientBook:
    """Clients by id. A change of a file takes effect at once, without a restart."""

    def __init__(self, *, pack: Path, state: Path, keyring: Keyring) -> None:
        self._pack = pack
        self._partners = state / "partners.yaml"
        self._keyring = keyring

    def find(self, client_id: str) -> Client | None:
        """The client with this id, and with the secret that this installation has generated for it."""
        for entry in self.entries():
            if entry["client_id"] == client_id:
                return self._client(entry)
        return None

    def get(self, client_id: str) -> Client:
        """The same as `find`, but raises UnknownClientError if there is no such client."""
        client = self.find(client_id)
        if client is None:
            known = ", ".join(sorted(entry["client_id"] for entry in self.entries()))
            raise UnknownClientError(f"there is no client {client_id}; there are: {known}")
        return client

    def entries(self) -> list[dict[str, Any]]:
        """All clients as they are in the files."""
        return [*_read(pack_file(self._pack, "clients.yaml")), *_read(self._partners)]

    def add(self, *, client_id: str, organization: UUID, roles: Sequence[str], name: str) -> Client:
        """Add a partner's client, or replace the client with this id."""
        others = [entry for entry in _read(self._partners) if entry["client_id"] != client_id]
        entry = {
            "client_id": client_id,
            "name": name,
            "roles": list(roles),
            "organization_id": str(organization),
        }
        write_private(self._partners, yaml.safe_dump([*others, entry], allow_unicode=True, sort_keys=False))
        return self._client(entry)

    def _client(self, entry: Mapping[str, Any]) -> Client:
        scopes = set(entry.get("scopes") or [])
        roles = scopes_by_role(self._pack)
        for role in entry.get("roles") or []:
            scopes |= set(roles[role])
        return Client(
            client_id=entry["client_id"],
            secret=self._keyring.get(f"client-{entry['client_id']}"),
            organization_id=organization_of(entry),
            scopes=frozenset(scopes),
            desks=tuple(entry.get("desks") or ()),
            reception_places=tuple(entry.get("reception_places") or ()),
            staff=entry.get("staff") is True,
            service=entry.get("service"),
            roles=tuple(entry.get("roles") or ()),
        )


def organization_of(entry: Mapping[str, Any]) -> UUID | None:
    """The id of the organisation that an entry of `clients.yaml` or `people.yaml` names."""
    written = entry.get("organization_id")
    if written:
        return UUID(str(written))
    return organization_id(entry["organization"]) if entry.get("organization") else None


def pack_file(pack: Path, name: str) -> Path:
    """The path of a pack's file. A file that the pack lacks is taken from its base pack (`base` in `overlay.yaml`)."""
    base = (pack / load_overlay(pack).base).resolve()
    if (pack / name).exists() or base == pack.resolve():
        return pack / name
    return pack_file(base, name)


def scopes_by_role(pack: Path) -> dict[str, list[str]]:
    """The roles of the pack."""
    document = parsed(pack_file(pack, "roles.yaml"))
    roles: dict[str, Any] = document.get("roles", document)
    return {name: role["scopes"] if isinstance(role, dict) else role for name, role in roles.items()}


def parsed(path: Path) -> Any:
    """The content of a YAML file; it is read again only after a change.

    The time of a change alone does not tell two writes apart that follow within one tick of the system's clock.
    """
    now = path.stat()
    return _parsed_as_of(path, (now.st_ino, now.st_size, now.st_mtime_ns))


@lru_cache(maxsize=8)
def _parsed_as_of(path: Path, _state: tuple[int, int, int]) -> Any:
    return read_yaml(path)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    document = parsed(path) or []
    entries: list[dict[str, Any]] = document["clients"] if isinstance(document, dict) else document
    return entries
