"""The vault key is changed while the service runs, and comes in a file that others may not read."""

import base64
import os
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.chassis.secret_files import SettingRefused
from services.registration.database import KeysDatabase
from services.registration.settings import Settings
from services.registration.vault.actions import create_keys, rewrap_keys
from services.registration.vault.queries import data_key, unknown_master_keys
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import MasterKey, Vault, VaultError, successor

OLD = base64.b64encode(os.urandom(32)).decode()
HIDDEN = MasterKey(os.urandom(32))
"""That of restricted needs."""


@pytest.fixture
async def keys(postgres_server):
    """A database of keys of its own."""
    database = KeysDatabase(postgres_server.migrated("registration", "keys_migrations"))
    yield database
    await database.close()


def swapped(text):
    """The file of the second step: the new key first."""
    first, second, *kept = text.split()
    return "\n".join([second, first, *kept])


async def test_every_key_is_wrapped_anew_in_batches_after_a_kill_and_beside_a_running_service(keys):
    old = MasterKey.from_base64(OLD)
    people = [uuid4() for _ in range(7)]
    made = await create_keys(Vault(old, keys, HIDDEN), people, kind=SubjectKind.PERSON, at=datetime.now(UTC))
    sealed = {one: key.seal("Muestra", table="t", column="c") for one, key in made.items()}

    first = successor(OLD)
    serving, both = (
        Vault(MasterKey.from_base64(first), keys, HIDDEN),
        Vault(MasterKey.from_base64(swapped(first)), keys, HIDDEN),
    )
    assert await rewrap_keys(both, limit=3) == (3, 4)  # and killed here
    late = uuid4()
    await create_keys(serving, [late], kind=SubjectKind.PERSON, at=datetime.now(UTC))
    for one in people:  # a process of the first step opens both
        assert (await data_key(serving, one)).open(sealed[one], table="t", column="c") == "Muestra"
    alone = MasterKey.from_base64("\n".join(line for line in swapped(first).split() if line != OLD))
    assert await unknown_master_keys(Vault(alone, keys, HIDDEN)) == [old.key_id], "it may not go yet"

    assert await rewrap_keys(both, limit=3) == (3, 2)
    assert await rewrap_keys(both, limit=3) == (2, 0)
    assert await rewrap_keys(both, limit=3) == (0, 0)

    without = Vault(alone, keys, HIDDEN)
    assert await unknown_master_keys(without) == []
    for one in people:
        assert (await data_key(without, one)).open(sealed[one], table="t", column="c") == "Muestra"
    with pytest.raises(VaultError):
        await data_key(Vault(old, keys, HIDDEN), people[0])
    assert alone.blind("arrival", "x") == old.blind("arrival", "x"), "whoever is told again is known"
    assert alone.open_parked(old.seal_parked(b"arrival")) == b"arrival"


def test_a_key_without_those_for_hashes_does_not_stand_beside_another():
    new = base64.b64encode(os.urandom(32)).decode()
    with pytest.raises(VaultError, match="hashing"):
        MasterKey.from_base64(f"{new}\n{OLD}")
    twice = successor(successor(OLD))
    assert MasterKey.from_base64(twice).blind("a", "b") == MasterKey.from_base64(OLD).blind("a", "b")


def settings_of(registration, **changes):
    remote = "postgresql://keys@db.example.org/registration_keys"
    values = {"vault_key": None, "keys_database_url": remote} | changes
    return registration.settings.model_copy(update=values)


async def test_the_key_comes_in_a_file_that_others_may_not_read(registration, tmp_path):
    file = tmp_path / "vault-key"
    file.write_text(OLD + "\n")
    file.chmod(0o400)
    settings: Settings = settings_of(registration, vault_key_file=file)
    assert settings.vault_key_text() == OLD
    file.chmod(0o444)
    with pytest.raises(SettingRefused, match="everybody can read"):
        settings.vault_key_text()
    with pytest.raises(SettingRefused, match="cannot be read"):
        settings_of(registration, vault_key_file=tmp_path / "none").vault_key_text()


async def test_the_environment_holds_the_key_on_ones_own_machine_only(registration):
    key = registration.settings.vault_key
    assert registration.settings.vault_key_text(), "the databases are here"
    with pytest.raises(SettingRefused, match="must be in a file"):
        settings_of(registration, vault_key=key).vault_key_text()
    with pytest.raises(SettingRefused, match="ENLACE_VAULT_KEY_FILE"):
        settings_of(registration).vault_key_text()
    assert settings_of(registration, vault_key=key, vault_key_from_environment=True).vault_key_text()
