"""The content of files of vault keys that name a key manager.

The line `transit:NAME` names its key. The keys for hashing and parking are in the file too, but wrapped by that key, so
that the file alone opens nothing.
"""

import base64
import os

from services.registration.vault.ciphers import KEY_BYTES, VaultError
from services.registration.vault.outer import KeyManager, OuterKey
from services.registration.vault.sealing import KEPT, TRANSIT, parted
from services.registration.vault.transit import kept_subject


async def first(name: str, manager: KeyManager) -> str:
    """A file for a new installation: the key of the key manager, and fresh keys for hashing and parking."""
    return await _content([f"{TRANSIT}:{name}"], {one: os.urandom(KEY_BYTES) for one in KEPT}, manager.key(name))


async def joined(text: str, name: str, manager: KeyManager) -> str:
    """The next content of a file without a key manager: its key is last, so at first it only unwraps."""
    wrapping, kept = parted(text)
    if name_in(text) is not None:
        raise VaultError("the file names a key of a key manager already")
    secrets = {purpose: base64.b64decode(value) for purpose, _, value in (line.partition(":") for line in kept)}
    return await _content([*wrapping, f"{TRANSIT}:{name}"], secrets, manager.key(name))


async def renewed(text: str, manager: KeyManager) -> str:
    """The same content, with the keys for hashing and parking wrapped by the newest version of the key."""
    name = name_in(text)
    if name is None:
        raise VaultError("the file names no key of a key manager")
    wrapping, kept = parted(text)
    key = manager.key(name)
    lines = dict(line.split(":", 1) for line in kept)
    secrets = await key.unwrap({kept_subject(one): lines[one].encode() for one in KEPT})
    return await _content(wrapping, {one: secrets[kept_subject(one)] for one in KEPT}, key)


async def is_behind(text: str, manager: KeyManager) -> bool:
    """Whether the file was written before the newest version of the key of the key manager."""
    name = name_in(text)
    if name is None:
        return False
    newest = (await manager.key(name).current()).rpartition(":")[2]
    _, kept = parted(text)
    return any(not line.split(":", 1)[1].startswith(f"vault:{newest}:") for line in kept)


def name_in(text: str) -> str | None:
    """The name of the key of the key manager in the file; None if the file names none."""
    return next((line.partition(":")[2] for line in text.split() if line.startswith(f"{TRANSIT}:")), None)


async def _content(wrapping: list[str], secrets: dict[str, bytes], key: OuterKey) -> str:
    wrapped = await key.wrap({kept_subject(one): secret for one, secret in secrets.items()})
    kept = [f"{one}:{wrapped[kept_subject(one)].content.decode()}" for one in secrets]
    return "\n".join([*wrapping, *kept]) + "\n"
