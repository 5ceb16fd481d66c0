"""Public keys that verify the signatures of events: one file for all services (JWK Set, RFC 7517). Each key names its
service in the member `service`."""

import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64encode


class KeysError(ValueError):
    """A file is not a valid file of keys. The text names the fault and quotes nothing of the content."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, and the services for whose topics it is valid."""

    public_key: Ed25519PublicKey
    services: frozenset[str]


def keys_of(text: str) -> dict[str, TrustedKey]:
    """The keys of a JWK Set by their ids, which are their thumbprints (RFC 7638). `KeysError` if it is not valid."""
    found: dict[str, TrustedKey] = {}
    try:
        for member in json.loads(text)["keys"]:
            public: Any = OKPKey.import_key(member).public_key
            service = member["service"]
            if member["kty"] != "OKP" or not isinstance(public, Ed25519PublicKey) or not isinstance(service, str):
                raise KeysError("every key must be an Ed25519 key and name its service")
            if "d" in member:
                raise KeysError("the file of public keys contains a private key")
            key_id = key_id_of(public)
            before = found.get(key_id)
            if member.get("kid", key_id) != key_id or before is not None:
                raise KeysError("the id of a key must be its thumbprint, and no key may occur twice")
            found[key_id] = TrustedKey(public, frozenset({service}))
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise error if isinstance(error, KeysError) else KeysError("it is not a JWK Set in the required form") from None
    return found


def key_id_of(public_key: Ed25519PublicKey) -> str:
    """The thumbprint of a key (RFC 7638)."""
    parameters: Any = _jwk(public_key)
    return OKPKey.import_key(parameters).thumbprint()


def jwk_of(public_key: Ed25519PublicKey, service: str) -> dict[str, str]:
    """A member of the file of public keys."""
    return {"kid": key_id_of(public_key), "service": service, "use": "sig", "alg": "Ed25519", **_jwk(public_key)}


def _jwk(public_key: Ed25519PublicKey) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(public_key.public_bytes_raw()).decode()}
