"""The encryption of stored webhook secrets: AES-256-GCM with the installation's key, each bound to its row."""

import base64
import binascii
import hashlib
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix of the standard, not a secret
_KEY_BYTES = 32
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12


class SealBroken(Exception):  # noqa: N818 (a state)
    """A sealed secret that no configured key decrypts, or that was moved to another row."""


def new_secret() -> bytes:
    """Random bytes for one endpoint; Standard Webhooks asks for 24 to 64."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """The secret in the form in which its owner sees it, once."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


class SecretBox:
    """Seals and unseals webhook secrets.

    `keys` is the value of ENLACE_WEBHOOK_SECRET_KEY: base64 of 32 bytes. While the key is changed it contains several,
    separated by commas: the first seals, all of them unseal. Any other value raises ValueError.
    """

    def __init__(self, keys: str) -> None:
        self._ciphers: dict[bytes, AESGCM] = {}
        for text in keys.split(","):
            key = _key(text.strip())
            self._ciphers[hashlib.sha256(b"enlace webhook key" + key).digest()[:_KEY_ID_BYTES]] = AESGCM(key)
        self._current = next(iter(self._ciphers))

    def seal(self, secret: bytes, *, secret_id: UUID) -> bytes:
        """The secret as it is stored: key id, nonce, ciphertext, bound to the row `secret_id`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self._current + nonce + self._ciphers[self._current].encrypt(nonce, secret, secret_id.bytes)

    def unseal(self, sealed: bytes, *, secret_id: UUID) -> bytes:
        """The secret of a stored row, or `SealBroken`."""
        cipher = self._ciphers.get(sealed[:_KEY_ID_BYTES])
        if cipher is None:
            raise SealBroken("no configured key decrypts this webhook secret")
        nonce, ciphertext = sealed[_KEY_ID_BYTES:][:_NONCE_BYTES], sealed[_KEY_ID_BYTES + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, ciphertext, secret_id.bytes)
        except InvalidTag:
            raise SealBroken("a webhook secret was changed or moved") from None


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ValueError("ENLACE_WEBHOOK_SECRET_KEY must be base64 of 32 bytes (several: separated by commas)")
    return key
