"""The outer key is in a key manager (the transit engine of OpenBao or HashiCorp Vault): wrapping, memory, rotation.

`transit_server.py` says how to run this file on a real server.
"""

import asyncio
import base64
import os
from datetime import UTC, datetime

import pytest

from libs.events.postgres import Cause, cause_of
from services.registration.database import KeysDatabase
from services.registration.vault import key_files
from services.registration.vault.actions import destroy_keys, rewrap_keys
from services.registration.vault.queries import data_key, data_keys, unknown_master_keys
from services.registration.vault.rules import Erased, SubjectKind
from services.registration.vault.sealing import MasterKey, Vault, VaultError
from services.registration.vault.transit import KeyManagerAway, Transit
from tests.service.registration.key_managers import HIDDEN, a_manager, a_vault, again, all_open, people, rows


@pytest.fixture
async def manager(tmp_path):
    async with a_manager(tmp_path) as made:
        yield made


@pytest.fixture
async def keys(postgres_server):
    database = KeysDatabase(postgres_server.migrated("registration", "keys_migrations"))
    yield database
    await database.close()


async def test_data_keys_are_wrapped_by_the_key_manager_and_another_process_opens_them(manager, keys):
    name, client = manager.new_key(), manager.client()
    text = await key_files.first(name, client)
    vault = Vault(await asyncio.to_thread(MasterKey.from_base64, text, client), keys, HIDDEN, client)
    sealed = await people(vault, 3)
    for row in await rows(keys):
        assert row["wrapped"].startswith(b"vault:v1:")
        assert row["master_key_id"] == f"transit/{name}:v1"
    other = await again(manager, vault, text)
    assert all_open(await data_keys(other, sealed), sealed)
    assert other.master.blind("name", "x") == vault.master.blind("name", "x"), "both find the same people"
    assert other.master.open_parked(vault.master.seal_parked(b"arrival")) == b"arrival"
    assert await unknown_master_keys(other) == []


async def test_many_keys_are_one_call_and_known_keys_are_none(manager, keys):
    vault = await a_vault(manager, keys, manager.new_key())
    vault.manager.calls = 0
    sealed = await people(vault, 135)
    assert vault.manager.calls == 1
    for one in sealed:
        await data_key(vault, one)
    assert vault.manager.calls == 1, "keys that were just made are in memory"


async def test_a_key_stays_in_memory_for_a_limited_time_only(manager, keys):
    at = [0.0]
    vault = await a_vault(manager, keys, manager.new_key(), kept_seconds=60.0, monotonic=lambda: at[0])
    (person,) = await people(vault, 1)
    at[0] = 59.9
    manager.shut_out()
    await data_key(vault, person)
    at[0] = 60.0
    with pytest.raises(KeyManagerAway):
        await data_key(vault, person)
    manager.let_in()
    await data_key(vault, person)


async def test_an_erased_key_is_removed_from_memory_at_once(manager, keys):
    vault = await a_vault(manager, keys, manager.new_key())
    (person,) = await people(vault, 1)
    (row,) = await rows(keys)
    manager.shut_out()
    assert await vault.master.unwrap_all({person: row["wrapped"]}), "it is in memory"
    await destroy_keys(vault, {person: Erased(datetime.now(UTC))}, kind=SubjectKind.PERSON)
    with pytest.raises(KeyManagerAway):
        await vault.master.unwrap_all({person: row["wrapped"]})


async def test_a_wrapped_key_that_was_moved_to_another_person_does_not_open(manager, keys):
    name, client = manager.new_key(), manager.client()
    text = await key_files.first(name, client)
    vault = Vault(await asyncio.to_thread(MasterKey.from_base64, text, client), keys, HIDDEN, client)
    one, two = await people(vault, 2)
    wrapped = {row["subject_id"]: row["wrapped"] for row in await rows(keys)}
    for process in (vault, await again(manager, vault, text)):
        with pytest.raises(VaultError, match="another subject"):
            await process.master.unwrap_all({one: wrapped[two]})
    with pytest.raises(VaultError):
        await vault.master.unwrap_all({one: wrapped[one][:-4] + b"AAA="})


async def test_each_allowed_version_opens_and_a_forbidden_one_is_named(manager, keys):
    name, client = manager.new_key(), manager.client()
    text = await key_files.first(name, client)
    vault = Vault(await asyncio.to_thread(MasterKey.from_base64, text, client), keys, HIDDEN, client)
    before = await people(vault, 2)
    manager.operate(f"keys/{name}/rotate")
    after = await people(vault, 2)
    assert {row["master_key_id"] for row in await rows(keys)} == {f"transit/{name}:v1", f"transit/{name}:v2"}
    fresh = await again(manager, vault, text)
    assert all_open(await data_keys(fresh, [*before, *after]), before | after)
    assert await key_files.is_behind(text, client)
    renewed = await key_files.renewed(text, client)
    assert not await key_files.is_behind(renewed, client)
    manager.operate(f"keys/{name}/config", min_decryption_version=2)
    with pytest.raises(VaultError):
        await asyncio.to_thread(MasterKey.from_base64, text, client)
    late = await again(manager, vault, renewed)
    assert late.master.blind("name", "x") == vault.master.blind("name", "x")
    assert await unknown_master_keys(late) == [f"transit/{name}:v1"]
    with pytest.raises(VaultError):
        await data_keys(late, before)
    assert all_open(await data_keys(late, after), after)


async def test_a_rotation_under_reads_and_writes_that_is_killed_half_way_loses_nothing(manager, keys):
    name, client = manager.new_key(), manager.client(kept_seconds=0.0)
    text = await key_files.first(name, client)
    vault = Vault(await asyncio.to_thread(MasterKey.from_base64, text, client), keys, HIDDEN, client)
    sealed, stop, reads = await people(vault, 40), asyncio.Event(), asyncio.Semaphore(0)

    async def write():
        while not stop.is_set():
            sealed.update(await people(vault, 2))

    async def read():
        while not stop.is_set():
            known = dict(sealed)
            assert all_open(await data_keys(vault, known), known)
            reads.release()

    async def looked_again():
        while not reads.locked():
            await reads.acquire()
        for _ in range(3):  # the third one has begun after this call
            await asyncio.wait([*load, asyncio.ensure_future(reads.acquire())], return_when=asyncio.FIRST_COMPLETED)
            assert not any(one.done() for one in load), [one for one in load if one.done()]

    load = [asyncio.create_task(work()) for work in (write, read, read)]
    manager.operate(f"keys/{name}/rotate")
    killed = await again(manager, vault, text)
    for _ in range(2):
        assert (await rewrap_keys(killed, limit=7))[0] == 7
    await looked_again()
    restarted, left = await again(manager, vault, text), 1
    while left:
        _, left = await rewrap_keys(restarted, limit=7)
    await looked_again()
    stop.set()
    await asyncio.gather(*load)
    assert {row["master_key_id"] for row in await rows(keys)} == {f"transit/{name}:v2"}
    manager.operate(f"keys/{name}/config", min_decryption_version=2)
    assert all_open(await data_keys(vault, sealed), sealed)


async def test_an_installation_moves_from_a_file_to_the_key_manager_while_it_runs(manager, keys):
    old = base64.b64encode(os.urandom(32)).decode()
    name, client = manager.new_key(), manager.client()
    before = Vault(MasterKey.from_base64(old), keys, HIDDEN)
    sealed = await people(before, 3)
    first = await key_files.joined(old, name, client)
    lines = first.split()
    assert lines[:2] == [old, f"transit:{name}"]
    second = "\n".join([lines[1], lines[0], *lines[2:]])
    serving, moving = await again(manager, before, first), await again(manager, before, second)
    sealed |= await people(moving, 2)
    assert all_open(await data_keys(serving, sealed), sealed), "processes of both steps open all keys"
    assert await rewrap_keys(moving, limit=10) == (3, 0)
    last = "\n".join(line for line in lines if line != old)
    assert old not in last
    alone = await again(manager, before, last)
    assert await unknown_master_keys(alone) == []
    assert all_open(await data_keys(alone, sealed), sealed)
    assert alone.master.blind("arrival", "x") == before.master.blind("arrival", "x")


async def test_a_file_beside_the_key_manager_contains_no_plain_key(manager):
    name, client = manager.new_key(), manager.client()
    text = await key_files.first(name, client)
    assert [line.split(":")[0] for line in text.split()] == ["transit", "hashing", "parking"]
    assert all(":vault:v1:" in line for line in text.split()[1:])
    plain = base64.b64encode(os.urandom(32)).decode()
    with pytest.raises(VaultError, match="wrapped"):
        MasterKey.from_base64(f"transit:{name}\nhashing:{plain}\nparking:{plain}", client)
    exchanged = text.replace("hashing:", "x:").replace("parking:", "hashing:").replace("x:", "parking:")
    with pytest.raises(VaultError, match="another subject"):
        await asyncio.to_thread(MasterKey.from_base64, exchanged, client)
    with pytest.raises(VaultError, match="ENLACE_KMS_URL"):
        MasterKey.from_base64(text)


async def test_an_event_waits_while_the_key_manager_is_away_and_is_not_parked(manager, keys):
    vault = await a_vault(manager, keys, manager.new_key())
    manager.shut_out()
    with pytest.raises(KeyManagerAway) as refused:
        await people(vault, 1)
    assert cause_of(refused.value) is Cause.OUTAGE
    nobody = Transit("http://127.0.0.1:1/v1/transit", manager.token_file, kept_seconds=0.0)
    with pytest.raises(KeyManagerAway) as away:
        await nobody.key("people").current()
    assert cause_of(away.value) is Cause.OUTAGE
    await nobody.close()
