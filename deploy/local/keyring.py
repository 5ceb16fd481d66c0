"""The secrets of one installation. They are generated at first use, stored in a file that only its owner can read, and
never committed."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def password() -> str:
    """A random text of 192 bits that needs no escaping in URLs and shells."""
    return secrets.token_urlsafe(24)


def key_32_bytes() -> str:
    """A random key of 32 bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically with one of mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


class Keyring:
    """Named secrets in one JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str, make: Callable[[], str] = password) -> str:
        """The secret with this name; it is generated and stored at first use. Several processes can ask at once."""
        known = self._read()
        if name in known:
            return known[name]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            if name not in known:
                known[name] = make()
                write_private(self._path, json.dumps(known, indent=1))
        return known[name]

    def _read(self) -> dict[str, str]:
        if not self._path.exists():
            return {}
        known: dict[str, str] = json.loads(self._path.read_text(encoding="utf-8"))
        return known
