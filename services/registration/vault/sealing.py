"""The keys from outside the database, and what is sealed and found with them: data keys, keyed hashes, parked messages.

What wraps the data keys is behind a port (`outer`): a secret of this process or a key manager. The keys for hashes and
for parked messages are always in this process, because nearly every statement needs a hash.
"""

import base64
import binascii
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.registration.database import KeysDatabase
from services.registration.vault.ciphers import (
    KEY_BYTES,
    DataKey,
    VaultError,
    data_key_of,
    derived,
    seal,
    unseal,
)
from services.registration.vault.outer import KeyManager, LocalKeys, OuterKey, Wrapped
from services.registration.vault.rules import SubjectKind

__all__ = ["DataKey", "FreshKey", "MasterKey", "Vault", "VaultError", "successor"]

_RANDOM_BITS = 0x3FFF_FFFF_FFFF_FFFF
"""The bits of a UUIDv7 that do not contain its time, place, version or variant."""
LAST_PLACE = 0xFFF
"""The last place among ids of one millisecond. Ids beyond it have no order."""
KEPT = ("hashing", "parking")
TRANSIT = "transit"


class FreshKey(NamedTuple):
    """A new data key, with its wrapped form for the database of keys."""

    key: DataKey
    wrapped: bytes
    key_id: str
    """The name of what wraps it."""


class MasterKey:
    """The key from outside the database. Other keys are derived from it: for wrapping, hashing, parking and words.

    Wrapping can be rotated: the first key wraps, all of them unwrap. Hashes are stored in many rows and determine
    ids, so the keys for hashing and parking must not change. They are derived once and then stored beside the secrets,
    even if the secret from which they were derived is removed. The key for words is derived from the key for hashing,
    so it does not change either.
    """

    def __init__(
        self,
        secret: bytes | None,
        *,
        retired: Sequence[bytes] = (),
        hashing: bytes | None = None,
        parking: bytes | None = None,
        managed: OuterKey | None = None,
    ) -> None:
        """`managed` is the key of a key manager. It wraps if there is no `secret`; otherwise it only unwraps."""
        kept = [one for one in (hashing, parking) if one is not None]
        secrets = [*([] if secret is None else [secret]), *retired]
        if any(len(one) != KEY_BYTES for one in (*secrets, *kept)):
            raise VaultError(f"the vault key must be {KEY_BYTES} bytes")
        if len(kept) == 1 or (not kept and (secret is None or retired or managed)):
            raise VaultError("a file with several vault keys must contain the derived keys for hashing and parking")
        self._local = LocalKeys(secrets)
        found: list[OuterKey] = [self._local] if secrets else []
        if managed is not None:
            found.insert(0 if secret is None else len(found), managed)
        if not found:
            raise VaultError("there is no vault key")
        self._outers = found
        self._parking = AESGCM(parking or derived(secret or b"", "parking"))
        self._hashing = hashing or derived(secret or b"", "hashing")
        self._words = AESGCM(derived(self._hashing, "words"))
        self.grants = derived(self._hashing, "grants")
        """The key that signs grants if the installation names no other. It does not change with the vault key."""
        self.key_ids = [name for outer in self._outers for name in outer.names]
        """The names of all keys that unwrap, without versions. They do not reveal the keys."""
        self.key_id = self.key_ids[0]
        """The name of the key that wraps."""

    @classmethod
    def from_base64(cls, text: str, manager: KeyManager | None = None) -> "MasterKey":
        """The key from the setting or the file: 32 bytes in base64, or the lines that `successor` writes, or those of
        `key_files` with a key of a key manager."""
        wrapping, kept = _lines(text)
        named = [line.partition(":")[2] for line in wrapping if line.startswith(f"{TRANSIT}:")]
        if len(named) > 1 or (named and manager is None):
            raise VaultError("a file of vault keys names one key of a key manager at most, and needs ENLACE_KMS_URL")
        secrets = [_decoded(line) for line in wrapping if not line.startswith(f"{TRANSIT}:")]
        values = {name: value for name, _, value in (line.partition(":") for line in kept)}
        if named and not secrets and not all(value.startswith("vault:") for value in values.values()):
            raise VaultError("beside a key manager, the derived keys must be wrapped by it")
        opened = {
            name: manager.opened(named[0], value, purpose=name)
            if manager and named and ":" in value
            else _decoded(value)
            for name, value in values.items()
        }
        first = None if not secrets or wrapping[0].startswith(f"{TRANSIT}:") else secrets.pop(0)
        managed = manager.key(named[0]) if manager and named else None
        hashing, parking = opened.get("hashing"), opened.get("parking")
        return cls(first, retired=secrets, hashing=hashing, parking=parking, managed=managed)

    async def current(self) -> str:
        """The name of the key that wraps, with its version."""
        return await self._outers[0].current()

    async def usable(self) -> list[str]:
        """The names of all keys that unwrap, with their versions."""
        return [name for outer in self._outers for name in await outer.usable()]

    async def fresh_keys(self, subject_ids: Collection[UUID]) -> dict[UUID, FreshKey]:
        """New data keys for these subjects."""
        secrets = {one: os.urandom(KEY_BYTES) for one in subject_ids}
        wrapped = await self._outers[0].wrap(secrets)
        return {one: FreshKey(data_key_of(one, secrets[one]), *wrapped[one]) for one in secrets}

    async def unwrap_all(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, DataKey]:
        """The data keys of these subjects from their wrapped forms; raises VaultError or Unavailable."""
        secrets = await self._unwrapped(wrapped)
        return {one: data_key_of(one, secrets[one]) for one in wrapped}

    async def rewrap_all(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, Wrapped]:
        """The same data keys, wrapped with the current key. A key manager does this without showing them to us."""
        first = self._outers[0]
        own = {one: content for one, content in wrapped.items() if first.owns(content)}
        others = {one: content for one, content in wrapped.items() if one not in own}
        anew = await first.rewrap(own) if own else {}
        return anew | (await first.wrap(await self._unwrapped(others)) if others else {})

    async def _unwrapped(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        found: dict[UUID, bytes] = {}
        for outer in self._outers:
            own = {one: content for one, content in wrapped.items() if outer.owns(content)}
            found |= await outer.unwrap(own) if own else {}
        if len(found) < len(wrapped):
            raise VaultError("the key that wraps a data key is not among the vault keys")
        return found

    def forget(self, wrapped: Collection[bytes]) -> None:
        """Remove destroyed keys from memory."""
        for outer in self._outers:
            outer.forget(wrapped)

    def fresh_key(self, subject_id: UUID) -> FreshKey:
        """A new data key for `subject_id`, wrapped with a secret of this process."""
        secret = os.urandom(KEY_BYTES)
        return FreshKey(data_key_of(subject_id, secret), *self._local.wrapped(subject_id, secret))

    def unwrap(self, wrapped: bytes, *, subject_id: UUID) -> DataKey:
        """The data key of `subject_id`, if a secret of this process wraps it; raises VaultError."""
        return data_key_of(subject_id, self._local.unwrapped(subject_id, wrapped))

    def blind(self, kind: str, *parts: str) -> bytes:
        """A keyed hash (128 bits) that finds equal values of one `kind` without making them readable."""
        # BLAKE2b accepts a key itself (RFC 7693) and costs a quarter of an HMAC. Each person needs eight of them.
        return blake2b("\x1f".join((kind, *parts)).encode(), digest_size=16, key=self._hashing).digest()

    def derived_id(self, kind: str, *parts: str, milliseconds: int, place: int = LAST_PLACE) -> UUID:
        """The same id for the same parts, always: a UUIDv7 of the given time and place, with a keyed hash as the rest.

        `place` is the place among ids of the same time. If stored data are lost and the same data arrive again, the
        same id is created again. Without the key nobody can create it.
        """
        value = self.number(f"id of {kind}", *parts) & _RANDOM_BITS
        ordered = (milliseconds & 0xFFFFFFFFFFFF) << 80 | min(place, LAST_PLACE) << 64
        return UUID(int=ordered | 0x7000_8000_0000_0000_0000 | value)

    def number(self, kind: str, *parts: str) -> int:
        """A keyed hash as a number of 128 bits."""
        return int.from_bytes(self.blind(kind, *parts), "big")

    def token(self, kind: str, value: str) -> int:
        """A keyed hash as a signed 64-bit number, for search indexes. Hits must be checked after decryption."""
        return int.from_bytes(self.blind(kind, value)[:8], "big", signed=True)

    def digest_of(self, content: bytes) -> bytes:
        """A keyed digest that recognises a repeated message."""
        return blake2b(content, digest_size=16, key=self._hashing, person=b"message").digest()

    def seal_words(self, words: str, *, table: str, column: str, row_id: UUID) -> bytes:
        """Seal text of a sender about something that is no person and has no own key, bound to the place where it is
        stored."""
        return seal(self._words, words.encode(), _of_row(table, column, row_id))

    def open_words(self, sealed: bytes, *, table: str, column: str, row_id: UUID) -> str:
        """The decrypted words; raises VaultError."""
        return unseal(self._words, sealed, _of_row(table, column, row_id)).decode()

    def seal_parked(self, payload: bytes) -> bytes:
        """Seal an incoming message that could not be handled, for the table of parked events."""
        return seal(self._parking, payload, b"parked")

    def open_parked(self, sealed: bytes) -> bytes:
        """The decrypted message; raises VaultError."""
        return unseal(self._parking, sealed, b"parked")


@dataclass(frozen=True, slots=True)
class Vault:
    """The resources for sealing: two keys from outside, and the database of the data keys."""

    master: MasterKey
    keys: KeysDatabase
    restricted: MasterKey
    """The key for restricted needs: `master` cannot decrypt, find or link any data about them."""
    manager: KeyManager | None = None
    """The key manager, if one wraps the data keys."""

    def __post_init__(self) -> None:
        if set(self.master.key_ids) & set(self.restricted.key_ids):
            raise VaultError("the key of restricted needs must be different from the vault key")

    async def close(self) -> None:
        """Close the connections to the database of keys and to the key manager."""
        await self.keys.close()
        if self.manager is not None:
            await self.manager.close()

    def master_of(self, kind: SubjectKind | str) -> MasterKey:
        """The master key that wraps the data keys of this kind of subject."""
        return self.restricted if kind == SubjectKind.RESTRICTED else self.master

    def owner_of(self, returnee_id: UUID) -> UUID:
        """The pseudonym of a person in the store of restricted needs, and among the keys of that store."""
        # Version 5, a name-based id: Python below 3.14 makes no version 8.
        return UUID(bytes=self.restricted.blind("owner", str(returnee_id)), version=5)

    def seal_parked(self, payload: bytes) -> bytes:
        """Seal an incoming message that could not be handled, with the restricted key, because it may be about a
        restricted need."""
        return self.restricted.seal_parked(payload)

    def open_parked(self, sealed: bytes) -> bytes:
        """The decrypted message, also one that was parked before `restricted` sealed them; raises VaultError."""
        try:
            return self.restricted.open_parked(sealed)
        except VaultError:
            return self.master.open_parked(sealed)


def successor(text: str) -> str:
    """The next content of a file of vault keys: a new secret after those in use, which at first is only used to
    unwrap."""
    wrapping, kept = parted(text)
    fresh = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    return "\n".join([*wrapping, fresh, *kept]) + "\n"


def parted(text: str) -> tuple[list[str], list[str]]:
    """The lines of a file of vault keys that wrap, and those of the keys for hashing and parking, which are derived if
    they are not there."""
    wrapping, kept = _lines(text)
    if not kept:
        first = _decoded(wrapping[0])
        kept = [f"{name}:{base64.b64encode(derived(first, name)).decode()}" for name in KEPT]
    return wrapping, kept


def _lines(text: str) -> tuple[list[str], list[str]]:
    lines = text.split()
    kept = [line for line in lines if line.partition(":")[0] in KEPT]
    return [line for line in lines if line not in kept], kept


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise VaultError("the vault key is not base64") from None


def _of_row(table: str, column: str, row_id: UUID) -> bytes:
    return f"words|{table}|{column}|{row_id}".encode()
