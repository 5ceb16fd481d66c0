"""The Keycloak realm of docs/issuer.md makes tokens that the services take, with the rights of the pack's roles."""

import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from deploy.local.audiences import audiences_of
from deploy.local.console_client import CONSOLE_CLIENT, ConsoleClient
from libs.chassis.auth import _identify
from libs.chassis.tenancy import CallerKind
from libs.chassis.tokens import InvalidToken, KeyRing, TokenVerifier
from libs.chassis.yaml_files import read_yaml

ROOT = Path(__file__).resolve().parents[2]
REALM: dict[str, Any] = json.loads((ROOT / "docs/examples/keycloak-realm.json").read_text(encoding="utf-8"))
PACK = ROOT / "deploy/packs/guatemala"
ROLES = {name: set(role["scopes"]) for name, role in read_yaml(PACK / "roles.yaml")["roles"].items()}
ISSUER = "https://keycloak.example/realms/enlace"
CLIENTS = {client["clientId"]: client for client in REALM["clients"]}
SCOPES = {scope["name"]: scope for scope in REALM["clientScopes"]}
KINDS = {
    "reception_system": {CallerKind.RECEPTION},
    "provider": {CallerKind.ORGANIZATION},
    "notifications_service": {CallerKind.SERVICE},
    "child_desk": {CallerKind.STAFF},
    "data_protection_officer": {CallerKind.STAFF, CallerKind.RECEPTION},
    "reception_clerk": {CallerKind.RECEPTION},
}
SEALING_KEY = RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP", "kid": "other-key"}, private=True)
"""Keycloak publishes one beside those that sign."""
KEY = RSAKey.generate_key(2048, {"use": "sig", "kid": "realm-key"}, private=True)


def who_gets_tokens() -> list[tuple[str, dict[str, Any]]]:
    """Every client with the user whose rights its tokens carry: its service account, or a person who signs in."""
    return [(user.get("serviceAccountClientId", CONSOLE_CLIENT), user) for user in REALM["users"]]


def token_of(client_id: str, user: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as Keycloak makes them of this client, its scopes and their mappers (its documentation)."""
    client = CLIENTS[client_id]
    needed = {one["clientScope"]: set(one["roles"]) for one in REALM["scopeMappings"]}
    held = set(user["realmRoles"])
    granted = [SCOPES[name] for name in client["defaultClientScopes"] if name not in needed or needed[name] & held]
    now = int(time.time())
    claims: dict[str, Any] = {"iss": ISSUER, "iat": now, "exp": now + REALM["accessTokenLifespan"], "jti": str(uuid4())}
    claims |= {"typ": "Bearer", "azp": client_id}
    claims["scope"] = " ".join(s["name"] for s in granted if s["attributes"]["include.in.token.scope"] == "true")
    mappers = [*client["protocolMappers"], *(one for scope in granted for one in scope.get("protocolMappers", ()))]
    for mapper in mappers:
        told = mapped(mapper["protocolMapper"], mapper["config"], user)
        if "aud" in told:
            told["aud"] = sorted({*claims.get("aud", ()), *told["aud"]})
        claims |= told
    rfc9068 = client["attributes"].get("access.token.header.type.rfc9068") == "true"
    return {"alg": "RS256", "kid": "realm-key", "typ": "at+jwt" if rfc9068 else "JWT"}, claims


def mapped(kind: str, config: dict[str, str], user: dict[str, Any]) -> dict[str, Any]:
    """What one mapper writes into an access token."""
    if config["access.token.claim"] == "false":
        return {}
    if kind == "oidc-sub-mapper":
        return {"sub": str(uuid4())}
    if kind == "oidc-audience-mapper":
        return {"aud": [config["included.custom.audience"]]}
    if kind == "oidc-hardcoded-claim-mapper":
        return {config["claim.name"]: config["claim.value"]}
    assert kind == "oidc-usermodel-attribute-mapper", "a mapper that this test does not know"
    values = user["attributes"].get(config["user.attribute"])
    if values is None:
        return {}
    if config["jsonType.label"] == "boolean":
        return {config["claim.name"]: values[0] == "true"}
    return {config["claim.name"]: values if config["multivalued"] == "true" else values[0]}


async def verified(header: dict[str, Any], claims: dict[str, Any]) -> Any:
    """The caller that a service sees for which the token is."""
    keys = KeySet([SEALING_KEY, KEY]).as_dict(private=False)
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=keys)))
    first = next(iter(claims.get("aud", ())), "none")
    verifier = TokenVerifier(
        KeyRing(f"{ISSUER}/certs", client),
        issuer=ISSUER,
        audience=first,
    )
    token = jwt.encode(header, claims, KEY)
    await verifier.verify(token)
    return await _identify(token, verifier)


@pytest.mark.parametrize(("client_id", "user"), who_gets_tokens(), ids=lambda one: one if isinstance(one, str) else "")
async def test_a_token_of_the_example_is_taken_and_carries_what_the_packs_role_allows(client_id, user):
    caller = await verified(*token_of(client_id, user))
    (role,) = user["realmRoles"]
    assert caller.scopes == ROLES[role]
    assert caller.client_id == client_id
    assert (caller.organization_id is not None) == (role == "provider")
    assert caller.tenant.kinds == KINDS[role]
    assert set(token_of(client_id, user)[1]["aud"]) == set(audiences_of(ROLES[role])), "no service but its own"
    for claim in ("desks", "reception_places"):
        assert caller.texts(claim) == (tuple(user["attributes"][claim]) if claim in user["attributes"] else None)


async def test_without_the_setting_for_rfc_9068_the_tokens_of_keycloak_are_refused():
    client_id, user = who_gets_tokens()[0]
    header, claims = token_of(client_id, user)
    with pytest.raises(InvalidToken, match="typ must be"):
        await verified(header | {"typ": "JWT"}, claims)


@pytest.mark.parametrize("claim", ["sub", "client_id", "aud"])
async def test_each_mapper_of_the_example_is_needed(claim):
    client_id, user = who_gets_tokens()[0]
    header, claims = token_of(client_id, user)
    with pytest.raises(InvalidToken):
        await verified(header, {name: value for name, value in claims.items() if name != claim})


def test_the_example_has_the_roles_and_scopes_of_the_pack():
    assert {role["name"] for role in REALM["roles"]["realm"]} == set(ROLES)
    mappings = {one["clientScope"]: set(one["roles"]) for one in REALM["scopeMappings"]}
    assert mappings == {
        scope: {role for role, scopes in ROLES.items() if scope in scopes} for scope in set().union(*ROLES.values())
    }
    for client in REALM["clients"]:
        assert set(client["defaultClientScopes"]) == {"enlace", *mappings}
        assert not client["fullScopeAllowed"]
        assert not client["publicClient"]


def test_the_console_of_the_example_is_the_client_of_people_with_the_settings_that_the_local_issuer_has():
    console = CLIENTS[CONSOLE_CLIENT]
    assert [name for name, client in CLIENTS.items() if client["standardFlowEnabled"]] == [CONSOLE_CLIENT]
    assert not console["serviceAccountsEnabled"], "it has no rights of its own"
    assert console["attributes"]["pkce.code.challenge.method"] == "S256"
    local = ConsoleClient(url="http://127.0.0.1:8105", secret="secret")
    at = "https://console.example"
    assert console["redirectUris"] == [local.redirect_uri.replace(local.url, at)]
    assert console["attributes"]["post.logout.redirect.uris"] == f"{at}/"
    assert REALM["revokeRefreshToken"]
    assert REALM["refreshTokenMaxReuse"] == 0
    in_id_token = {one["name"] for one in console["protocolMappers"] if one["config"]["id.token.claim"] == "true"}
    assert in_id_token == {"name", "auth_time"}
    assert all(one["config"]["access.token.claim"] == "false" for one in console["protocolMappers"]
               if one["name"] in in_id_token)  # fmt: skip


def test_clients_of_the_example_are_those_of_the_pack_with_their_claims():
    of_pack = {client["client_id"]: client for client in read_yaml(PACK / "clients.yaml")["clients"]}
    for user in REALM["users"]:
        if "serviceAccountClientId" in user:
            client, attributes = of_pack[user["serviceAccountClientId"]], user["attributes"]
            assert client["roles"] == user["realmRoles"]
            assert client.get("service") == attributes.get("service", [None])[0]
            assert client.get("reception_places", []) == attributes.get("reception_places", [])
            assert client.get("organization_id") == attributes.get("organization_id", [None])[0]
