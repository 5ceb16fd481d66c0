"""The key of restricted needs: different from the vault key, given and changed as that one is."""

import base64
import os
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.chassis.secret_files import SettingRefused
from services.registration.vault.actions import create_keys, rewrap_keys
from services.registration.vault.queries import data_keys, unknown_master_keys
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import MasterKey, Vault, VaultError, successor


def test_one_key_cannot_be_both():
    key = MasterKey(os.urandom(32))
    with pytest.raises(VaultError, match="different from the vault key"):
        Vault(key, None, key)


async def test_the_key_of_restricted_needs_is_asked_for_and_comes_as_the_vault_key_does(registration, tmp_path):
    key = base64.b64encode(os.urandom(32)).decode()
    file = tmp_path / "restricted-key"
    file.write_text(key)
    file.chmod(0o400)
    settings = registration.settings.model_copy(update={"restricted_key": None})
    with pytest.raises(SettingRefused, match="ENLACE_RESTRICTED_KEY_FILE"):
        settings.restricted_key_text()
    assert settings.model_copy(update={"restricted_key_file": file}).restricted_key_text() == key
    elsewhere = {"keys_database_url": "postgresql://keys@db.example.org/registration_keys"}
    with pytest.raises(SettingRefused, match="ENLACE_RESTRICTED_KEY"):
        registration.settings.model_copy(update=elsewhere).restricted_key_text()


async def test_the_key_of_restricted_needs_is_changed_on_its_own(postgres_server, registration):
    keys = type(registration.vault.keys)(postgres_server.migrated("registration", "keys_migrations"))
    text = base64.b64encode(os.urandom(32)).decode()
    old, at = registration.vault.master, datetime.now(UTC)
    both = "\n".join([(lines := successor(text).split())[1], lines[0], *lines[2:]])
    before, after = Vault(old, keys, MasterKey.from_base64(text)), Vault(old, keys, MasterKey.from_base64(both))
    person = uuid4()
    await create_keys(before, [person], kind=SubjectKind.PERSON, at=at)
    made = await create_keys(before, [before.owner_of(person)], kind=SubjectKind.RESTRICTED, at=at)
    assert await rewrap_keys(after, limit=10) == (0, 0), "the person's key stays as it is"
    assert await rewrap_keys(after, limit=10, restricted=True) == (1, 0)
    alone = Vault(old, keys, MasterKey.from_base64("\n".join(line for line in both.split() if line != text)))
    assert await unknown_master_keys(alone) == []
    assert alone.owner_of(person) == before.owner_of(person)
    found = await data_keys(alone, [person, alone.owner_of(person)])
    sealed = made[before.owner_of(person)].seal("x", table="t", column="c")
    assert found[alone.owner_of(person)].open(sealed, table="t", column="c") == "x"
    await keys.close()
