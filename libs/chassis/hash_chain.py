"""A chain of hashes over entries, which detects every changed, removed or inserted entry (pure)."""

import hmac
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

GENESIS = bytes(32)
"""The hash before the first link."""


def chain(previous: bytes, entries: Iterable[Sequence[object]]) -> bytes:
    """The hash after `entries`, each linked to the one before: `sha256(previous || canonical entry)`."""
    link = previous
    for entry in entries:
        link = sha256(link + _canonical(entry)).digest()
    return link


def _canonical(entry: Sequence[object]) -> bytes:
    """The same bytes for the same entry in every version of the code: JSON with fixed order, times in UTC."""
    return json.dumps([_plain(value) for value in entry], ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, UUID) else value


def keyed(key: bytes, values: Sequence[object]) -> bytes:
    """HMAC-SHA256 of one seal: the owner of the database cannot create a seal without the key."""
    return hmac.digest(key, _canonical(values), "sha256")
