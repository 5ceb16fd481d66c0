"""Signatures of events: events on our topics are accepted only with a signature of the writer (Ed25519, RFC 8032).

Without signatures, everybody who can write to Kafka could open the packet of any person with one forged event. The
relay signs the events from the outbox of its own database. The consumer checks the signature before it parses the
event. A signature covers the topic, the key, the CloudEvents attributes with the trace, and the exact bytes of the
data, so none of them can be replaced or moved to another event. Events that are sent together share a signature of the
root of their hash tree, and each carries its path to the root (decision 0111).
"""

import logging
import time
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from libs.events.hash_tree import LEAVES_MAX, leaf_of, root_told, told, tree_of
from libs.events.observing.reporting import report
from libs.events.trusted_keys import KeysError, TrustedKey, key_id_of, keys_of

log = logging.getLogger(__name__)

SIGNATURE = "ce_signature"
SIGNATURE_KEY = "ce_signaturekey"
SIGNATURE_PATH = "ce_signaturepath"
"""The place of the event in the tree whose root is signed. Without this header the signature is that of one event."""
PRIVATE_VARIABLE = "ENLACE_EVENT_SIGNING_KEY"
PUBLIC_VARIABLE = "ENLACE_EVENT_KEYS"
"""The variables with the keys. With `_FILE` at the end, they name a file with the key instead."""
FILE_LOOK_SECONDS = 1.0
"""The shortest time between two checks of the file, when events name an unknown key."""
_PREFIX = b"enlace-event-signature-v1"
_TREE_PREFIX = b"enlace-event-tree-signature-v1"
_ROOTS_KEPT = 4_096
"""The number of verified roots that are remembered; the events of one root arrive shortly after each other."""
_ATTRIBUTES = (
    "content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_traceparent", "ce_tracestate",
)  # fmt: skip
_ABSENT = b"\xff\xff\xff\xff"
_SIGNATURE_CHARACTERS = 86
"""64 bytes in base64url without padding."""

Header = tuple[str, bytes]
Unsigned = tuple[str, bytes, Sequence[Header], bytes]
"""Topic, key, headers and value of an event that is to be signed."""


class KeysRefusedError(ValueError):
    """The keys of a process cannot be loaded. `refused_settings` gives the reason, by the variable of the setting."""

    def __init__(self, variable: str, why: str) -> None:
        super().__init__(f"{variable}: {why}")
        self.refused_settings = {variable: why}


def signed_bytes(topic: str, key: bytes | None, headers: Iterable[Header], value: bytes | None) -> bytes:
    """The bytes that a signature covers: each part after its length, so that no two records have the same bytes."""
    given = dict(headers)
    parts = [topic.encode(), key, *(given.get(name) for name in _ATTRIBUTES), value]
    return _PREFIX + b"".join(_ABSENT if part is None else pack(">I", len(part)) + part for part in parts)


def _root_bytes(size: int, root: bytes) -> bytes:
    return _TREE_PREFIX + bytes((size,)) + root


class Signer:
    """Signs for the topics of `services`. Each of our processes signs for one service."""

    def __init__(self, private_key: Ed25519PrivateKey, services: Iterable[str]) -> None:
        self._key = private_key
        self.services = frozenset(services)
        self.key_id = key_id_of(private_key.public_key())
        self._named = (SIGNATURE_KEY, self.key_id.encode())

    @classmethod
    def from_file(cls, path: Path, service: str) -> "Signer":
        """The key in a PEM file (PKCS #8). `KeysError` if it contains none, OSError if it cannot be read."""
        try:
            key: Any = OKPKey.import_key(path.read_bytes()).private_key
        except (JoseError, ValueError, TypeError, AttributeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeysError("the file does not contain a private Ed25519 key in PEM")
        return cls(key, {service})

    @classmethod
    def from_text(cls, text: str, service: str) -> "Signer":
        """The 32 bytes of a private key in base64; `KeysError` if it is anything else."""
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(b64decode(text, validate=True)), {service})
        except ValueError:
            raise KeysError("it is not a private Ed25519 key of 32 bytes in base64") from None

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key that verifies its signatures."""
        return self._key.public_key()

    def sign(self, topic: str, key: bytes, headers: Sequence[Header], value: bytes) -> tuple[Header, Header]:
        """The two headers with the signature and the id of the key."""
        signature = self._key.sign(signed_bytes(topic, key, headers, value))
        return (SIGNATURE, urlsafe_b64encode(signature)), self._named

    def sign_together(self, events: Sequence[Unsigned]) -> list[tuple[Header, ...]]:
        """For each of these events, which are at most `LEAVES_MAX`, its headers: one signature is made for all."""
        if len(events) == 1:
            return [self.sign(*events[0])]
        if len(events) > LEAVES_MAX:
            raise ValueError(f"at most {LEAVES_MAX} events share a signature")
        root, paths = tree_of([leaf_of(signed_bytes(*event)) for event in events])
        signature = (SIGNATURE, urlsafe_b64encode(self._key.sign(_root_bytes(len(events), root))))
        return [
            (signature, self._named, (SIGNATURE_PATH, told(index, len(events), path)))
            for index, path in enumerate(paths)
        ]


def _verifies(key: TrustedKey, text: bytes, covered: bytes) -> bool:
    try:
        signature = urlsafe_b64decode(text) if len(text) == _SIGNATURE_CHARACTERS else b""
        key.public_key.verify(signature, covered)
    except (InvalidSignature, ValueError):
        return False
    return True


class Keyring:
    """The public keys that verify signatures of events. Without any key, no event of our services is accepted."""

    def __init__(self, keys: Mapping[str, TrustedKey] | None = None, *, path: Path | None = None) -> None:
        self._keys = {key_id.encode(): key for key_id, key in (keys or {}).items()}
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._looked_at = float("-inf")
        self._verified: set[tuple[bytes, bytes, bytes]] = set()

    @classmethod
    def from_file(cls, path: Path) -> "Keyring":
        """The keys of a JWK Set. The file is read again if an event names an unknown key and the file has changed.

        `KeysError` if it is not a JWK Set, OSError if it cannot be read.
        """
        keyring = cls(path=path)
        keyring._read()
        return keyring

    def knows(self, signer: Signer) -> bool:
        """Whether it can verify the signatures of `signer`."""
        key = self._keys.get(signer.key_id.encode())
        return key is not None and signer.services <= key.services

    def lacks(self, services: Iterable[str]) -> list[str]:
        """Those of these services for which it has no key."""
        known = {service for key in self._keys.values() for service in key.services}
        return sorted(set(services) - known)

    def fault(self, record: Any, *, writer: str) -> str | None:
        """The reason why a record of a topic with this writer is not accepted; None if it is accepted."""
        headers = dict(record.headers)
        if len(headers) != len(record.headers):
            return "header-repeated"
        text, key_id = headers.get(SIGNATURE), headers.get(SIGNATURE_KEY)
        if text is None or key_id is None:
            return "signature-missing"
        key = self._keys.get(key_id) or self._looked_again(key_id)
        if key is None:
            return "signature-key-unknown"
        if writer not in key.services:
            return "signature-of-another-service"
        covered = signed_bytes(record.topic, record.key, record.headers, record.value)
        path = headers.get(SIGNATURE_PATH)
        if path is None:
            return None if _verifies(key, text, covered) else "signature-wrong"
        found = root_told(path, leaf_of(covered))
        return None if found is not None and self._root_verifies(key_id, key, text, *found) else "signature-wrong"

    def _root_verifies(self, key_id: bytes, key: TrustedKey, text: bytes, size: int, root: bytes) -> bool:
        """Whether the root is signed. A root that was verified once is remembered."""
        signed = _root_bytes(size, root)
        known = (key_id, text, signed)
        if known in self._verified:
            return True
        if not _verifies(key, text, signed):
            return False
        if len(self._verified) >= _ROOTS_KEPT:
            self._verified.clear()
        self._verified.add(known)
        return True

    def _looked_again(self, key_id: bytes) -> TrustedKey | None:
        if self._path is None or time.monotonic() - self._looked_at < FILE_LOOK_SECONDS:
            return None
        self._looked_at = time.monotonic()
        try:
            self._read()
        except (OSError, KeysError) as error:
            report(log, logging.ERROR, "events.keys_not_read", error)
        return self._keys.get(key_id)

    def _read(self) -> None:
        assert self._path is not None
        found = self._path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            self._keys = {key_id.encode(): key for key_id, key in keys_of(self._path.read_text("utf-8")).items()}
            self._stamp = stamp


@dataclass(frozen=True, slots=True)
class EventKeys:
    """The key with which a process signs, and the keys with which it verifies signatures."""

    signer: Signer | None
    """None if the process publishes nothing."""
    keyring: Keyring

    @classmethod
    def named(cls, service: str, *, private: Path | str | None, public: Path | str | None) -> "EventKeys":
        """The keys from files, or from texts with the content of such a file; None if a key is not needed.

        `KeysRefusedError` if one of them is not valid, or if they do not fit together. A private key as text consists
        of its 32 bytes in base64.
        """
        try:
            signer = None if private is None else _signer(private, service)
        except (OSError, KeysError) as error:
            raise KeysRefusedError(PRIVATE_VARIABLE, _why(error)) from None
        try:
            keyring = _keyring(public)
        except (OSError, KeysError) as error:
            raise KeysRefusedError(PUBLIC_VARIABLE, _why(error)) from None
        if signer is not None and not keyring.knows(signer):
            raise KeysRefusedError(PUBLIC_VARIABLE, f"it does not contain the public key with which {service} signs")
        return cls(signer, keyring)


def _signer(private: Path | str, service: str) -> Signer:
    return Signer.from_text(private, service) if isinstance(private, str) else Signer.from_file(private, service)


def _keyring(public: Path | str | None) -> Keyring:
    if isinstance(public, Path):
        return Keyring.from_file(public)
    return Keyring({} if public is None else keys_of(public))


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, KeysError) else "the file can't be read"
