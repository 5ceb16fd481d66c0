"""The local issuer: tokens of RFC 9068 for clients that know their secret, and for nobody else."""

import json
import time
from base64 import urlsafe_b64decode
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from deploy.local.issuer import create_issuer
from deploy.local.tokens import AccessTokens, Client, new_key
from libs.chassis.http_settings import HttpSettings
from tests.served import IssuerForTests

ORGANIZATION = uuid4()


@pytest.fixture
def client_id(issuer: IssuerForTests) -> str:
    name = f"clinic-{uuid4()}"
    issuer.client({"offers:read", "offers:answer"}, organization_id=ORGANIZATION, client_id=name, audience=())
    return name


async def ask(issuer: IssuerForTests, client_id: str, secret: str | None = None, **fields: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(
            f"{issuer.url}/token",
            data={"grant_type": "client_credentials", **fields},
            auth=(client_id, secret or f"secret-of-{client_id}"),
        )


async def test_a_token_verifies_against_the_published_keys_and_carries_all_claims(
    issuer: IssuerForTests, client_id: str
) -> None:
    answer = await ask(issuer, client_id)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    async with httpx.AsyncClient() as client:
        keys = KeySet.import_key_set((await client.get(issuer.jwks_url)).json())
    token = jwt.decode(answer.json()["access_token"], keys, algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    assert token.header["kid"]
    claims = token.claims
    assert claims["iss"] == issuer.url
    assert claims["aud"] == ["enlace-referral"], "the service at which its scopes open something, and no other"
    assert claims["sub"] == claims["client_id"] == client_id
    assert claims["jti"]
    assert claims["iat"] <= time.time() < claims["exp"] <= time.time() + 3600
    assert claims["scope"].split() == ["offers:answer", "offers:read"]
    assert claims["organization_id"] == str(ORGANIZATION)
    assert answer.json()["expires_in"] == 3600


async def test_the_key_set_has_no_private_half(issuer: IssuerForTests) -> None:
    async with httpx.AsyncClient() as client:
        (key,) = (await client.get(issuer.jwks_url)).json()["keys"]
    assert "d" not in key
    assert key["crv"] == "P-256"


async def test_a_wrong_secret_is_refused(issuer: IssuerForTests, client_id: str) -> None:
    answer = await ask(issuer, client_id, "guessed")
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_an_unknown_client_is_refused(issuer: IssuerForTests) -> None:
    assert (await ask(issuer, "nobody-we-know")).status_code == 401


async def test_a_secret_in_the_form_is_accepted(issuer: IssuerForTests, client_id: str) -> None:
    fields = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": f"secret-of-{client_id}"}
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{issuer.url}/token", data=fields)).status_code == 200


async def test_a_client_can_ask_for_fewer_scopes(issuer: IssuerForTests, client_id: str) -> None:
    answer = await ask(issuer, client_id, scope="offers:read")
    assert answer.json()["scope"] == "offers:read"


async def test_a_scope_that_the_client_does_not_have_is_refused(issuer: IssuerForTests, client_id: str) -> None:
    answer = await ask(issuer, client_id, scope="offers:read returnees:read")
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_scope"


def claims_of(answer: httpx.Response) -> dict[str, Any]:
    """What the token says, unverified."""
    payload = answer.json()["access_token"].split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=="))
    return claims


async def test_a_token_is_narrowed_to_the_services_that_resource_names(issuer: IssuerForTests) -> None:
    name = f"desk-{uuid4()}"
    issuer.client({"offers:read", "directory:read", "restricted:read"}, client_id=name, audience=())
    wide = claims_of(await ask(issuer, name))
    assert set(wide["aud"]) == {"enlace-referral", "enlace-provider-directory"}
    for resource in ("enlace-referral", "urn:enlace:referral"):
        narrow = claims_of(await ask(issuer, name, resource=resource))
        assert narrow["aud"] == ["enlace-referral"]
        assert set(narrow["scope"].split()) == {"offers:read", "restricted:read"}
    beyond = await ask(issuer, name, resource="enlace-referral", scope="directory:read")
    assert (beyond.status_code, beyond.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("resource", ["enlace-registration", "https://elsewhere.example"])
async def test_a_resource_at_which_the_client_may_do_nothing_is_refused(
    issuer: IssuerForTests, client_id: str, resource: str
) -> None:
    answer = await ask(issuer, client_id, resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


async def test_another_grant_is_refused(issuer: IssuerForTests, client_id: str) -> None:
    answer = await ask(issuer, client_id, grant_type="password")
    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"grant_type", b"=&=&grant_type=client_credentials"])
async def test_a_malformed_request_is_a_400_or_401(issuer: IssuerForTests, body: bytes) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{issuer.url}/token", content=body)
    assert answer.status_code in (400, 401)


async def test_the_metadata_name_the_endpoints(issuer: IssuerForTests) -> None:
    async with httpx.AsyncClient() as client:
        found = (await client.get(f"{issuer.url}/.well-known/oauth-authorization-server")).json()
    assert found["issuer"] == issuer.url
    assert found["jwks_uri"] == issuer.jwks_url
    assert found["token_endpoint"] == f"{issuer.url}/token"


async def test_secrets_cannot_be_guessed_without_end(running):
    """Taken out: the count of 401s in `token` (each guess was judged). One client's guesser holds up no other."""
    tokens = AccessTokens(issuer="http://issuer.example", key=new_key())
    clients = {
        name: Client(client_id=name, secret=f"secret-of-{name}", organization_id=None, scopes=frozenset({"a:b"}))
        for name in ("one", "two")
    }
    app = create_issuer(tokens, clients.get, HttpSettings(rate_secrets_per_minute=3))
    grant = {"grant_type": "client_credentials"}
    async with running(app) as client:
        told = [(await client.post("/token", data=grant, auth=("one", f"guess-{nth}"))).status_code for nth in range(5)]
        assert told == [401, 401, 401, 429, 429]
        right = await client.post("/token", data=grant, auth=("one", "secret-of-one"))
        assert right.status_code == 429
        assert int(right.headers["retry-after"]) >= 1
        posted = grant | {"client_id": "two", "client_secret": "secret-of-two"}
        assert (await client.post("/token", data=posted)).status_code == 200
