"""The keys of a record's seals: the newest creates seals, the older ones verify earlier seals (pure).

As text there is one key per line, the newest first. A line with `derived:` and 64 hexadecimal digits is a key that was
derived from another secret.
"""

import hmac
import secrets
from collections.abc import Sequence

SHORTEST = 16
_DERIVED = "derived:"
SealKeys = tuple[bytes, ...]


class SealKeysError(ValueError):
    """The text is not a list of keys; the error does not quote it."""


def seal_keys(text: str) -> SealKeys:
    """The keys of a file, the newest first; `SealKeysError` for a line that is too short, or none at all."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or any(len(line) < SHORTEST for line in lines):
        raise SealKeysError(f"a seal key must have at least {SHORTEST} characters, and a line of its own")
    return tuple(map(_key, lines))


def _key(line: str) -> bytes:
    if not line.startswith(_DERIVED):
        return line.encode()
    try:
        return bytes.fromhex(line.removeprefix(_DERIVED))
    except ValueError:
        raise SealKeysError("a derived key must be in hexadecimal digits") from None


def derived_key(secret: str) -> bytes:
    """The key of an installation that configures none. It is derived from the key for fingerprints."""
    return hmac.digest(secret.encode(), b"enlace.audit-seals", "sha256")


def successor(keys: Sequence[bytes]) -> str:
    """The next content of the file: a new key first, then all earlier keys."""
    return "".join(f"{line}\n" for line in (secrets.token_urlsafe(32), *map(_line, keys)))


def _line(key: bytes) -> str:
    return key.decode() if key.isascii() and key.decode().isprintable() else f"{_DERIVED}{key.hex()}"
