"""The port to the outer key, which wraps the data keys and is never stored beside them.

One implementation has its secrets in this process, from a file or the environment (`LocalKeys`). The other one asks a
key manager and never sees the outer key (`transit.TransitKey`). Both take many keys at once, because each call to a key
manager crosses the network.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.registration.vault.ciphers import VaultError, derived, name_of, seal, unseal


class Wrapped(NamedTuple):
    """A data key in the form in which it is stored."""

    content: bytes
    key_id: str
    """The name of the outer key, with its version if it has versions. It does not reveal the key."""


class OuterKey(Protocol):
    """What wraps data keys. Each wrapped key is bound to its subject."""

    @property
    def names(self) -> list[str]:
        """The names of its keys, without versions. No other outer key may have one of them."""

    def owns(self, wrapped: bytes) -> bool:
        """Whether a wrapped key has the form of this implementation."""

    async def current(self) -> str:
        """The name (with the version) under which new keys are wrapped."""

    async def usable(self) -> list[str]:
        """All names (with versions) that unwrap."""

    async def wrap(self, secrets: Mapping[UUID, bytes]) -> dict[UUID, Wrapped]:
        """Wrap data keys, by subject."""

    async def unwrap(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        """The data keys, by subject; VaultError if one cannot be decrypted, Unavailable if the key manager does not
        answer."""

    async def rewrap(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, Wrapped]:
        """The same data keys under the current key. They must be wrapped by this implementation."""

    def forget(self, wrapped: Collection[bytes]) -> None:
        """Remove these keys from memory, because they have been destroyed."""


class KeyManager(Protocol):
    """Gives outer keys by name, and opens the secrets that a process needs at its start."""

    def key(self, name: str) -> OuterKey:
        """The outer key of this name."""

    def opened(self, name: str, wrapped: str, *, purpose: str) -> bytes:
        """A secret of the file of vault keys, wrapped by the key of this name. It waits, so only for the start."""

    async def close(self) -> None:
        """Close the connections."""


class LocalKeys:
    """Secrets in this process: the first one wraps, all of them unwrap."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._wrapping = {name_of(one): AESGCM(derived(one, "wrapping")) for one in secrets}

    @property
    def names(self) -> list[str]:
        """The names of all secrets, the one that wraps first."""
        return list(self._wrapping)

    def owns(self, wrapped: bytes) -> bool:
        """All forms are tried, except those that a key manager has made."""
        return not wrapped.startswith(b"vault:")

    async def current(self) -> str:
        """The name of the first secret."""
        return self.names[0]

    async def usable(self) -> list[str]:
        """The names of all secrets."""
        return self.names

    async def wrap(self, secrets: Mapping[UUID, bytes]) -> dict[UUID, Wrapped]:
        """Wrap data keys with the first secret."""
        return {one: self.wrapped(one, secret) for one, secret in secrets.items()}

    async def unwrap(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        """Unwrap with each secret in turn."""
        return {one: self.unwrapped(one, content) for one, content in wrapped.items()}

    async def rewrap(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, Wrapped]:
        """Unwrap with any secret, wrap with the first one."""
        return await self.wrap(await self.unwrap(wrapped))

    def forget(self, wrapped: Collection[bytes]) -> None:
        """Nothing is kept."""

    def wrapped(self, subject_id: UUID, secret: bytes) -> Wrapped:
        """One data key, wrapped with the first secret."""
        name, aead = next(iter(self._wrapping.items()))
        return Wrapped(seal(aead, secret, _of_subject(subject_id)), name)

    def unwrapped(self, subject_id: UUID, wrapped: bytes) -> bytes:
        """One data key; raises VaultError."""
        for aead in self._wrapping.values():
            try:
                return unseal(aead, wrapped, _of_subject(subject_id))
            except VaultError:
                continue
        raise VaultError("the encrypted value cannot be decrypted")


def _of_subject(subject_id: UUID) -> bytes:
    return b"data_key|" + subject_id.bytes
