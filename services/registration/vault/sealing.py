"""The cryptography of the vault: AES-256-GCM with data keys, a key that wraps them, and keyed hashes for search.

It is pure: randomness comes from the operating system, everything else is an argument. A sealed value consists of one
version byte, a 96-bit nonce and the ciphertext with its tag. The additional data bind it to its table, column and
subject, so that a value that is copied into another row or column cannot be decrypted (domain P26).
"""

import base64
import binascii
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.registration.database import KeysDatabase
from services.registration.vault.rules import SubjectKind

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"
_RANDOM_BITS = 0x3FFF_FFFF_FFFF_FFFF
"""The bits of a UUIDv7 that do not contain its time, place, version or variant."""
LAST_PLACE = 0xFFF
"""The last place among ids of one millisecond. Ids beyond it have no order."""


class VaultError(ValueError):
    """A sealed value or a wrapped key cannot be decrypted: wrong key, moved, or manipulated. The error never shows the
    value."""


def _seal(aead: AESGCM, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + aead.encrypt(nonce, plain, bound)


def _open(aead: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE_BYTES:
        raise VaultError("not an encrypted value of a known version")
    try:
        return aead.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], bound)
    except InvalidTag:
        raise VaultError("the encrypted value cannot be decrypted") from None


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one subject (a person, or the manifest of one arrival batch). It exists only in memory."""

    subject_id: UUID
    _aead: AESGCM = field(repr=False)
    _bound_to: str = field(repr=False)

    def seal(self, plain: str, *, table: str, column: str) -> bytes:
        """Encrypt `plain` with this key, bound to the place where it is stored."""
        return _seal(self._aead, plain.encode(), self._bound(table, column))

    def seal_or_none(self, plain: str | None, *, table: str, column: str) -> bytes | None:
        """Like `seal`; None stays None."""
        return None if plain is None else self.seal(plain, table=table, column=column)

    def open(self, sealed: bytes, *, table: str, column: str) -> str:
        """Decrypt a value that was sealed for this place; raises VaultError if key, place or value do not match."""
        return _open(self._aead, sealed, self._bound(table, column)).decode()

    def open_or_none(self, sealed: bytes | None, *, table: str, column: str) -> str | None:
        """Like `open`; None stays None."""
        return None if sealed is None else self.open(sealed, table=table, column=column)

    def _bound(self, table: str, column: str) -> bytes:
        return f"{table}|{column}|{self._bound_to}".encode()


@dataclass(frozen=True, slots=True)
class FreshKey:
    """A new data key, with its wrapped form for the database of keys."""

    key: DataKey
    wrapped: bytes


class MasterKey:
    """The key from outside the database. Other keys are derived from it: for wrapping, hashing, parking and words.

    Wrapping can be rotated: the first secret wraps, all of them unwrap. Hashes are stored in many rows and determine
    ids, so the keys for hashing and parking must not change. They are derived once and then stored beside the secrets,
    even if the secret from which they were derived is removed. The key for words is derived from the key for hashing,
    so it does not change either.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        retired: Sequence[bytes] = (),
        hashing: bytes | None = None,
        parking: bytes | None = None,
    ) -> None:
        kept = [one for one in (hashing, parking) if one is not None]
        if any(len(one) != KEY_BYTES for one in (secret, *retired, *kept)):
            raise VaultError(f"the vault key must be {KEY_BYTES} bytes")
        if len(kept) == 1 or (retired and not kept):
            raise VaultError("a file with several vault keys must contain the derived keys for hashing and parking")
        self._wrapping = {_name_of(one): AESGCM(_derived(one, "wrapping")) for one in (secret, *retired)}
        self._parking = AESGCM(parking or _derived(secret, "parking"))
        self._hashing = hashing or _derived(secret, "hashing")
        self._words = AESGCM(_derived(self._hashing, "words"))
        self.grants = _derived(self._hashing, "grants")
        """The key that signs grants if the installation names no other. It does not change with the vault key."""
        self.key_id = _name_of(secret)
        """The name of the key, which does not reveal it. It is stored beside the keys that it wraps, so that a change
        of key can be followed."""
        self.key_ids = list(self._wrapping)
        """The names of all keys that unwrap."""

    @classmethod
    def from_base64(cls, text: str) -> "MasterKey":
        """The key from the setting or the file: 32 bytes in base64, or the lines that `successor` writes."""
        secrets, kept = [], {}
        try:
            for line in text.split():
                name, _, value = line.rpartition(":")
                if name in ("hashing", "parking"):
                    kept[name] = base64.b64decode(value, validate=True)
                else:
                    secrets.append(base64.b64decode(line, validate=True))
        except binascii.Error:
            raise VaultError("the vault key is not base64") from None
        if not secrets:
            raise VaultError("there is no vault key")
        return cls(secrets[0], retired=secrets[1:], hashing=kept.get("hashing"), parking=kept.get("parking"))

    def rewrap(self, wrapped: bytes, *, subject_id: UUID) -> bytes:
        """Wrap the same data key with the first secret; raises VaultError."""
        return _seal(self._wrapping[self.key_id], self._unwrapped(wrapped, subject_id), _of_subject(subject_id))

    def _unwrapped(self, wrapped: bytes, subject_id: UUID) -> bytes:
        for aead in self._wrapping.values():
            try:
                return _open(aead, wrapped, _of_subject(subject_id))
            except VaultError:
                continue
        raise VaultError("the encrypted value cannot be decrypted")

    def fresh_key(self, subject_id: UUID) -> FreshKey:
        """A new data key for `subject_id`."""
        secret = os.urandom(KEY_BYTES)
        wrapped = _seal(self._wrapping[self.key_id], secret, _of_subject(subject_id))
        return FreshKey(_key(subject_id, secret), wrapped)

    def unwrap(self, wrapped: bytes, *, subject_id: UUID) -> DataKey:
        """The data key of `subject_id` from its wrapped form; raises VaultError."""
        return _key(subject_id, self._unwrapped(wrapped, subject_id))

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
        return _seal(self._words, words.encode(), _of_row(table, column, row_id))

    def open_words(self, sealed: bytes, *, table: str, column: str, row_id: UUID) -> str:
        """The decrypted words; raises VaultError."""
        return _open(self._words, sealed, _of_row(table, column, row_id)).decode()

    def seal_parked(self, payload: bytes) -> bytes:
        """Seal an incoming message that could not be handled, for the table of parked events."""
        return _seal(self._parking, payload, b"parked")

    def open_parked(self, sealed: bytes) -> bytes:
        """The decrypted message; raises VaultError."""
        return _open(self._parking, sealed, b"parked")


@dataclass(frozen=True, slots=True)
class Vault:
    """The resources for sealing: two keys from outside, and the database of the data keys."""

    master: MasterKey
    keys: KeysDatabase
    restricted: MasterKey
    """The key for restricted needs: `master` cannot decrypt, find or link any data about them."""

    def __post_init__(self) -> None:
        if set(self.master.key_ids) & set(self.restricted.key_ids):
            raise VaultError("the key of restricted needs must be different from the vault key")

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
    secrets = [line for line in text.split() if ":" not in line]
    first = base64.b64decode(secrets[0])
    kept = [line for line in text.split() if ":" in line] or [
        f"{name}:{base64.b64encode(_derived(first, name)).decode()}" for name in ("hashing", "parking")
    ]
    fresh = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    return "\n".join([*secrets, fresh, *kept]) + "\n"


def _name_of(secret: bytes) -> str:
    return sha256(_derived(secret, "name")).hexdigest()[:12]


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"enlace.registration.{purpose}".encode()).derive(secret)


def _key(subject_id: UUID, secret: bytes) -> DataKey:
    return DataKey(subject_id, AESGCM(secret), str(subject_id))


def _of_row(table: str, column: str, row_id: UUID) -> bytes:
    return f"words|{table}|{column}|{row_id}".encode()


def _of_subject(subject_id: UUID) -> bytes:
    return b"data_key|" + subject_id.bytes
