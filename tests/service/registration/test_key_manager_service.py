"""A service whose outer keys are in a key manager: its start, outages, and its commands."""

import asyncio
import base64
import os

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from libs.chassis.secret_files import SettingRefused
from services.registration import app, cli
from services.registration.database import KeysDatabase
from services.registration.vault import key_files
from services.registration.vault.queries import data_keys
from tests.service.registration.conftest import a_returnee
from tests.service.registration.key_managers import a_manager, all_open, people


@pytest.fixture
async def manager(tmp_path):
    async with a_manager(tmp_path) as made:
        yield made


async def settings_with(registration, manager, tmp_path):
    """Settings of a service whose two outer keys are in the key manager."""
    files = {}
    for which in ("vault_key", "restricted_key"):
        files[which] = tmp_path / which
        files[which].write_text(await key_files.first(manager.new_key(), manager.client()))
        files[which].chmod(0o400)
    return registration.settings.model_copy(
        update={"vault_key": None, "restricted_key": None, "kms_url": manager.url, "kms_token_file": manager.token_file}
        | {f"{which}_file": file for which, file in files.items()}
    )


async def test_while_the_key_manager_refuses_the_token_nothing_is_stored_and_the_service_is_not_ready(
    registration, manager, tmp_path, running, postgres_server
):
    settings = await settings_with(registration, manager, tmp_path)
    keys_url = postgres_server.migrated("registration", "keys_migrations")
    settings = settings.model_copy(update={"keys_database_url": keys_url, "kms_kept_seconds": 0.0})
    made = await asyncio.to_thread(app.create_app, settings)
    async with running(made) as client:

        async def post():
            return await client.post("/v1/returnees", json=a_returnee(), headers=registration.headers())

        first = await post()
        assert first.status_code == 201, first.text
        manager.shut_out()
        count = await registration.fetch("SELECT count(*) FROM returnee")
        refused = await post()
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["retry-after"]
        seen = await client.get(f"/v1/returnees/{first.json()['id']}", headers=registration.headers())
        assert seen.status_code == 503
        assert await registration.fetch("SELECT count(*) FROM returnee") == count
        while (ready := await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110 (another process would ask so)
            await asyncio.sleep(0.1)  # the last answer is kept for a second
        assert ready.json()["parts"]["keys"]["why"] == "the key manager does not answer, or refuses the token"
        manager.let_in()
        assert (await post()).status_code == 201


async def test_the_commands_write_the_files_and_rotate_all_keys(
    registration, manager, tmp_path, monkeypatch, postgres_server
):
    settings = await settings_with(registration, manager, tmp_path)
    keys_url = postgres_server.migrated("registration", "keys_migrations")
    settings = settings.model_copy(update={"keys_database_url": keys_url})
    monkeypatch.setattr(cli, "Settings", lambda: settings)

    async def told(*asked):
        answer = await asyncio.to_thread(CliRunner().invoke, cli.cli, asked)
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    name = key_files.name_in(settings.vault_key_text())
    assert f"transit:{name}\nhashing:vault:v1:" in await told("first-vault-key", name)
    file = {"vault_key_file": None, "vault_key": SecretStr(base64.b64encode(os.urandom(32)).decode())}
    with monkeypatch.context() as patched:
        local = settings.model_copy(update=file | {"vault_key_from_environment": True})
        patched.setattr(cli, "Settings", lambda: local)
        assert f"\ntransit:{name}\nhashing:vault:v1:" in await told("next-vault-key", "--transit", name)
    vault = await asyncio.to_thread(app.vault_of, settings, KeysDatabase(keys_url))
    sealed = await people(vault, 3)
    manager.operate(f"keys/{name}/rotate")
    said = await told("rotate-master-key")
    assert said.startswith("3 keys were encrypted again")
    assert "next-vault-key" in said
    settings.vault_key_file.chmod(0o600)
    settings.vault_key_file.write_text(await told("next-vault-key"))
    assert "next-vault-key" not in await told("rotate-master-key")
    manager.operate(f"keys/{name}/config", min_decryption_version=2)
    later = await asyncio.to_thread(app.vault_of, settings, vault.keys)
    assert all_open(await data_keys(later, sealed), sealed)
    await later.manager.close()
    await vault.close()


async def test_a_service_does_not_start_without_its_key_manager(registration, manager, tmp_path):
    settings = await settings_with(registration, manager, tmp_path)
    keys = KeysDatabase(settings.keys_database_url)
    manager.shut_out()
    with pytest.raises(SettingRefused, match="ENLACE_KMS_URL: the key manager cannot be used"):
        await asyncio.to_thread(app.vault_of, settings, keys)
    for changes, variable in (
        ({"kms_url": None}, "ENLACE_KMS_URL"),
        ({"kms_token_file": None}, "ENLACE_KMS_TOKEN_FILE"),
        ({"kms_url": "http://bao.example.org/v1/transit"}, "https"),
    ):
        with pytest.raises(SettingRefused, match=variable):
            app.vault_of(settings.model_copy(update=changes), keys)
