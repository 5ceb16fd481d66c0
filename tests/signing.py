"""Keys of services for tests: the same in every run, because runs share a Kafka and hear each other's events."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.events.signing import Keyring, Signer
from libs.events.trusted_keys import TrustedKey, jwk_of

SERVICES = ("registration", "provider_directory", "referral", "notifications")


def private_key(name: str) -> Ed25519PrivateKey:
    """The key that belongs to a name."""
    return Ed25519PrivateKey.from_private_bytes(sha256(f"a key for tests: {name}".encode()).digest())


SIGNERS = {service: Signer(private_key(service), {service}) for service in SERVICES}
ANYBODY = Signer(private_key("anybody"), SERVICES)
"""Signs for every service: for a stand-in that publishes what several of them would."""
KEYRING = Keyring(
    {signer.key_id: TrustedKey(signer.public_key, signer.services) for signer in (*SIGNERS.values(), ANYBODY)}
)


def key_files(directory: Path, service: str) -> dict[str, str]:
    """The variables of a service's process, with the files that they name."""
    public, private = directory / "event-keys.json", directory / f"{service}-event-key.pem"
    keys = [jwk_of(private_key(one).public_key(), one) for one in SERVICES]
    public.write_text(json.dumps({"keys": keys}), encoding="utf-8")
    pem = private_key(service).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private.write_bytes(pem)
    return {"ENLACE_EVENT_SIGNING_KEY_FILE": str(private), "ENLACE_EVENT_KEYS_FILE": str(public)}
