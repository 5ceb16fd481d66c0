"""A transit engine for tests, what an operator does with it, and vaults whose outer key is in it.

`transit_server.py` says how to use a real server.
"""

import asyncio
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx

from services.registration.vault import key_files
from services.registration.vault.actions import create_keys
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import MasterKey, Vault
from services.registration.vault.transit import Transit
from tests.service.registration.transit_server import TransitServer

REAL_URL = os.environ.get("ENLACE_TEST_TRANSIT_URL")
HIDDEN = MasterKey(os.urandom(32))
PLACE = {"table": "t", "column": "c"}


class Counted(Transit):
    """Counts calls."""

    calls = 0

    async def post(self, path, items):
        self.calls += 1
        return await super().post(path, items)


class Manager:
    """A transit engine, what an operator does with it, and clients of it."""

    def __init__(self, url, token, directory):
        self.url, self._token, self._made = url, token, []
        self.token_file = directory / "token"
        self.let_in()

    def let_in(self):
        self._write(self._token)

    def shut_out(self):
        self._write("s.revoked")

    def _write(self, token):
        self.token_file.write_text(token)
        self.token_file.chmod(0o600)

    def operate(self, path, **body):
        answer = httpx.post(f"{self.url}/{path}", headers={"X-Vault-Token": self._token}, json=body)
        answer.raise_for_status()

    def new_key(self):
        name = f"people-{uuid4().hex}"
        self.operate(f"keys/{name}", type="aes256-gcm96")
        return name

    def client(self, **how):
        made = Counted(self.url, self.token_file, **({"kept_seconds": 60.0} | how))
        self._made.append(made)
        return made

    async def close(self):
        for one in self._made:
            await one.close()


@asynccontextmanager
async def a_manager(directory):
    """The engine that the environment names, or a small one that ends with the test."""
    server = None if REAL_URL else TransitServer()
    token = server.token if server else os.environ["ENLACE_TEST_TRANSIT_TOKEN"]
    made = Manager(server.url if server else REAL_URL, token, directory)
    yield made
    await made.close()
    if server:
        server.close()


async def a_vault(manager, keys, name, **how):
    """A process that has read a file of this key."""
    client = manager.client(**how)
    text = await key_files.first(name, client)
    return Vault(await asyncio.to_thread(MasterKey.from_base64, text, client), keys, HIDDEN, client)


async def again(manager, vault, text, **how):
    """Another process with a file, and nothing in memory."""
    client = manager.client(**how)
    return Vault(await asyncio.to_thread(MasterKey.from_base64, text, client), vault.keys, HIDDEN, client)


async def people(vault, count):
    """New people, each with a value sealed under their key."""
    ids = [uuid4() for _ in range(count)]
    made = await create_keys(vault, ids, kind=SubjectKind.PERSON, at=datetime.now(UTC))
    return {one: key.seal(f"Muestra {one}", **PLACE) for one, key in made.items()}


def all_open(found, sealed):
    return [found[one].open(value, **PLACE) for one, value in sealed.items()] == [f"Muestra {one}" for one in sealed]


async def rows(keys):
    async with keys.connection() as connection:
        return await connection.fetch("SELECT subject_id, wrapped, master_key_id FROM data_key ORDER BY subject_id")
