"""The keys with which the services of an installation sign events. They are created at first use.

One file contains all public keys.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local.keyring import write_private
from libs.events.signing import PRIVATE_VARIABLE, PUBLIC_VARIABLE, Signer
from libs.events.trusted_keys import jwk_of

PUBLIC_KEYS = "public.json"


def event_keys(directory: Path, service: str, *, all_of: Iterable[str]) -> dict[str, str]:
    """The variables that name one service's key files. Creates missing keys for all the services."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        paths = {name: directory / f"{name}.pem" for name in all_of}
        for path in paths.values():
            if not path.exists():
                write_private(path, _new_key())
        public = directory / PUBLIC_KEYS
        # Keys that a person has added, such as the former key after a rotation, are kept.
        known = json.loads(public.read_text(encoding="utf-8"))["keys"] if public.exists() else []
        keys = [jwk_of(Signer.from_file(path, name).public_key, name) for name, path in paths.items()]
        missing = [key for key in keys if key["kid"] not in {one.get("kid") for one in known}]
        if missing:
            write_private(public, json.dumps({"keys": [*known, *missing]}, indent=1))
    return {f"{PRIVATE_VARIABLE}_FILE": str(paths[service]), f"{PUBLIC_VARIABLE}_FILE": str(public)}


def _new_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
