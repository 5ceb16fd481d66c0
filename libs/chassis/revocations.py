"""The deny list: single tokens by `jti`, and all tokens of a client or subject that were issued up to a moment.

The list is a file. The command `revoke` writes it, and every process of every service reads it again within a second.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from libs.chassis.errors import Unavailable
from libs.chassis.logs import get_logger

_LOOK_AGAIN_SECONDS = 0.5

log = get_logger(__name__)


class RevocationsUnknown(Unavailable):
    """The list of revoked tokens cannot be read, so no token can be trusted."""

    code = "revocations-unknown"
    retry_after_seconds = 5


class DenyList(BaseModel):
    """The content of the file. Times are seconds since 1970: tokens issued then or before are refused."""

    model_config = ConfigDict(extra="forbid")

    tokens: dict[str, int] = {}
    """By `jti`, with the time after which the entry may be deleted, because the token has expired."""
    clients: dict[str, int] = {}
    subjects: dict[str, int] = {}

    def denies(self, claims: Mapping[str, Any]) -> bool:
        """Whether a token with these claims is on the list."""
        issued_at = claims["iat"]
        lists = ((self.clients, claims["client_id"]), (self.subjects, claims["sub"]))
        return claims["jti"] in self.tokens or any(issued_at <= one.get(name, -1) for one, name in lists)


class Revocations:
    """The list in its file; without a file nothing is revoked."""

    def __init__(self, path: Path | None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._looked_at = float("-inf")
        self._seen: tuple[int, int, int] | None = None
        self._list: DenyList | None = DenyList() if path is None else None

    def denies(self, claims: Mapping[str, Any]) -> bool:
        """Whether a token with these claims is revoked; RevocationsUnknown while the file cannot be read."""
        if self._path is not None and self._monotonic() - self._looked_at >= _LOOK_AGAIN_SECONDS:
            self._looked_at = self._monotonic()
            self._look(self._path)
        if self._list is None:
            raise RevocationsUnknown("The list of revoked tokens cannot be read.")
        return self._list.denies(claims)

    def _look(self, path: Path) -> None:
        try:
            stat = path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen != self._seen:
                self._list = DenyList.model_validate_json(path.read_bytes())
                self._seen = seen
        except (OSError, ValidationError) as error:
            # A missing file must not make revoked tokens valid again: all tokens are refused until it can be read.
            self._list, self._seen = None, None
            log.error("revocations.unreadable", error=error)


def revoke(
    path: Path, *, at: int, token: tuple[str, int] | None = None, client: str | None = None, subject: str | None = None
) -> DenyList:
    """Add to the file, which is replaced as a whole, or created; expired entries are deleted.

    Its read permissions are kept: processes of other users refuse all tokens if they cannot read it.
    """
    known = DenyList.model_validate_json(path.read_bytes()) if path.exists() else DenyList()
    tokens = {name: until for name, until in known.tokens.items() if until > at}
    changed = DenyList(
        tokens=tokens | ({} if token is None else {token[0]: token[1]}),
        clients=known.clients | ({} if client is None else {client: max(at, known.clients.get(client, 0))}),
        subjects=known.subjects | ({} if subject is None else {subject: max(at, known.subjects.get(subject, 0))}),
    )
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(json.dumps(changed.model_dump(), indent=1) + "\n", encoding="utf-8")
    if path.exists():
        new.chmod(path.stat().st_mode & 0o777)
    new.replace(path)
    return changed
