"""AES-256-GCM with data keys, and how a value is bound to its place.

It is pure: randomness comes from the operating system, everything else is an argument. A sealed value consists of one
version byte, a 96-bit nonce and the ciphertext with its tag. The additional data bind it to its table, column and
subject, so that a value that is copied into another row or column cannot be decrypted (domain P26).
"""

import os
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


class VaultError(ValueError):
    """A sealed value or a wrapped key cannot be decrypted: wrong key, moved, or manipulated. The error never shows the
    value."""


def seal(aead: AESGCM, plain: bytes, bound: bytes) -> bytes:
    """Encrypt `plain`, bound to the place `bound`."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + aead.encrypt(nonce, plain, bound)


def unseal(aead: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    """Decrypt what `seal` made for this place; raises VaultError."""
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
        return seal(self._aead, plain.encode(), self._bound(table, column))

    def seal_or_none(self, plain: str | None, *, table: str, column: str) -> bytes | None:
        """Like `seal`; None stays None."""
        return None if plain is None else self.seal(plain, table=table, column=column)

    def open(self, sealed: bytes, *, table: str, column: str) -> str:
        """Decrypt a value that was sealed for this place; raises VaultError if key, place or value do not match."""
        return unseal(self._aead, sealed, self._bound(table, column)).decode()

    def open_or_none(self, sealed: bytes | None, *, table: str, column: str) -> str | None:
        """Like `open`; None stays None."""
        return None if sealed is None else self.open(sealed, table=table, column=column)

    def _bound(self, table: str, column: str) -> bytes:
        return f"{table}|{column}|{self._bound_to}".encode()


def data_key_of(subject_id: UUID, secret: bytes) -> DataKey:
    """The data key of a subject from its bytes."""
    return DataKey(subject_id, AESGCM(secret), str(subject_id))


def derived(secret: bytes, purpose: str) -> bytes:
    """Another key, for one purpose."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"enlace.registration.{purpose}".encode()).derive(secret)


def name_of(secret: bytes) -> str:
    """The name of a secret, which does not reveal it."""
    return sha256(derived(secret, "name")).hexdigest()[:12]
