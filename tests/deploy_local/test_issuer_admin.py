"""What the commands ask of the local issuer: nobody learns a secret or adds a client without the installation's key."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deploy.local.clients import ClientBook
from deploy.local.installation import DEFAULT_PACK
from deploy.local.issuer import serve_book, signing_key
from deploy.local.keyring import Keyring
from deploy.local.tokens import AccessTokens
from deploy.packs.directory import organization_id

BODY = {"organization_id": str(organization_id("casa-nueva")), "name": "Casa Nueva"}
KEY = {"Authorization": "Bearer the-key"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    keyring = Keyring(tmp_path / "keys.json")
    book = ClientBook(pack=DEFAULT_PACK, state=tmp_path, keyring=keyring)
    app = serve_book(AccessTokens(issuer="http://issuer", key=signing_key(keyring)), book, key="the-key")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as asking:
        yield asking


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer another"}, {"Authorization": "the-key"}])
async def test_without_the_key_no_secret_is_told_and_no_client_added(client, headers):
    assert (await client.get("/clients/renap", headers=headers)).status_code == 401
    assert (await client.put("/clients/casa-nueva", json=BODY, headers=headers)).status_code == 401
    assert (await client.get("/clients/casa-nueva", headers=KEY)).status_code == 404


async def test_a_new_partner_acts_as_a_provider_for_its_own_organisation_only(client):
    made = (await client.put("/clients/casa-nueva", json=BODY, headers=KEY)).json()
    assert made["organization_id"] == BODY["organization_id"]
    assert "offers:answer" in made["scopes"]
    assert "directory:write" not in made["scopes"]
    assert (await client.get("/clients/casa-nueva", headers=KEY)).json() == made
    assert (await client.put("/clients/casa-nueva", json=BODY, headers=KEY)).json() == made


async def test_a_client_of_the_pack_is_not_changed_by_a_partner_of_its_name(client):
    before = (await client.get("/clients/network-steward", headers=KEY)).json()
    assert (await client.put("/clients/network-steward", json=BODY, headers=KEY)).json() == before
