"""Claims that others can verify later without asking us: JWTs signed with Ed25519 (RFC 7519, RFC 9864).

The file of keys has one key per line, 32 bytes in base64. The first key signs; all of them verify and are published. So
a key is changed without an interruption: add the new key as the last line, then move it to the first, then remove the
old one when everything that it signed has expired. Each change is followed by a restart of the processes, one by one.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

KEY_BYTES = 32
ALGORITHM = "Ed25519"
"""RFC 9864. Older libraries know the same algorithm only by its deprecated name EdDSA."""
LONGEST = 16_384
_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM])


class ClaimKeysError(ValueError):
    """The text is not a list of keys; the error does not quote it."""


class ClaimsRefusedError(ValueError):
    """A text is no JWT that one of these keys has signed."""


class ClaimKeys:
    """Signs claims with the first of these keys, and verifies with all of them."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(one) != KEY_BYTES for one in secrets) or len(set(secrets)) != len(secrets):
            raise ClaimKeysError(f"there must be at least one key, each has {KEY_BYTES} bytes, and none occurs twice")
        self._keys = [_key(one) for one in secrets]
        self._public = KeySet([OKPKey.import_key({**_public(key)}) for key in self._keys])

    @classmethod
    def from_text(cls, text: str) -> "ClaimKeys":
        """The keys of a file; `ClaimKeysError` for a line that is no key."""
        try:
            return cls([base64.b64decode(line, validate=True) for line in text.split()])
        except binascii.Error:
            raise ClaimKeysError("a key is not base64") from None

    def sign(self, claims: Mapping[str, Any], *, typ: str) -> str:
        """The claims as a JWT of this type (`typ` of the header)."""
        header = {"alg": ALGORITHM, "kid": self._keys[0].kid, "typ": typ}
        return jwt.encode(header, dict(claims), self._keys[0], registry=_REGISTRY)

    def read(self, token: str, *, typ: str) -> dict[str, Any]:
        """The claims of a JWT of this type; `ClaimsRefusedError`. The caller decides whether it has expired."""
        if len(token) > LONGEST:
            raise ClaimsRefusedError("too long")
        try:
            read = jwt.decode(token, self._public, registry=_REGISTRY)
        except (JoseError, ValueError, TypeError, RecursionError):
            raise ClaimsRefusedError("no JWT with a valid signature") from None
        if read.header.get("typ") != typ:
            raise ClaimsRefusedError("another type")
        return dict(read.claims)

    def published(self) -> list[dict[str, str]]:
        """The public keys, as the members `keys` of a JWK Set (RFC 7517), the one that signs first."""
        return [_public(key) for key in self._keys]


def _key(secret: bytes) -> OKPKey:
    key = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(secret))
    return OKPKey.import_key(key.as_dict(private=True) | {"kid": key.thumbprint()})


def _public(key: OKPKey) -> dict[str, str]:
    found = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return found | {"kid": str(key.kid), "use": "sig", "alg": ALGORITHM}
