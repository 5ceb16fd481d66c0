"""Roles, clients and routes agree: every scope that a route asks for is somebody's, and every role has a holder."""

import base64
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from deploy.local.audiences import SCOPES_OF
from deploy.local.clients import ClientBook
from deploy.local.keyring import Keyring
from libs.chassis.settings import Role
from libs.chassis.yaml_files import read_yaml

PACKS = Path(__file__).resolve().parents[3] / "deploy" / "packs"
NAMES = ["ethiopia", "guatemala", "honduras"]
KEY = base64.b64encode(bytes(32)).decode()
OTHER_KEY = base64.b64encode(bytes(range(32))).decode()
SERVICES: dict[str, tuple[str, dict[str, Any]]] = {
    "registration": (
        "Settings",
        {
            "vault_key": KEY,
            "restricted_key": OTHER_KEY,
            "keys_database_url": "postgresql://nobody@127.0.0.1:1/none",
        },
    ),
    "referral": ("Settings", {}),
    "provider_directory": ("DirectorySettings", {}),
    "notifications": ("NotificationsSettings", {"webhook_secret_key": KEY}),
}
WIDENING = {"restricted:read"}
"""Scopes that no route demands: they widen what routes show."""


def scopes_asked_for(pack: Path) -> Iterator[str]:
    """What the API documents of the four services say."""
    for service in SERVICES:
        yield from scopes_of(service, pack)[1]


def scopes_of(service: str, pack: Path) -> tuple[str, set[str]]:
    """The audience of a service as it starts without a setting, and the scopes that its routes ask for."""
    name, own = SERVICES[service]
    of_service = getattr(import_module(f"services.{service}.settings"), name)
    settings = of_service(
        database_url="postgresql://nobody@127.0.0.1:1/none",
        kafka_bootstrap_servers="127.0.0.1:1",
        token_issuer="https://issuer.example",
        token_jwks_url="https://issuer.example/jwks",
        fingerprint_key="a-key-for-tests-alone",
        role=Role.API,
        **({"pack": pack} if "pack" in of_service.model_fields else {}),
        **own,
    )
    document = import_module(f"services.{service}.app").create_app(settings).openapi()
    operations = [one for path in document["paths"].values() for one in path.values()]
    required = [requirement for one in operations for requirement in one.get("security", [])]
    return settings.token_audience, {scope for one in required for scopes in one.values() for scope in scopes}


def roles_of(pack: Path) -> dict[str, set[str]]:
    """Scopes by role."""
    return {name: set(role["scopes"]) for name, role in read_yaml(pack / "roles.yaml")["roles"].items()}


def test_every_scope_that_a_route_asks_for_is_in_a_role_and_no_role_has_one_that_no_route_asks_for() -> None:
    asked = set(scopes_asked_for(PACKS / "guatemala"))
    assert len(asked) > 20
    for name in NAMES:
        granted = set().union(*roles_of(PACKS / name).values())
        assert asked - granted == set(), "somebody may do it"
        assert granted - asked == WIDENING, "a scope that opens nothing is a promise that nobody keeps"


def test_each_service_has_an_audience_of_its_own_and_the_issuer_knows_whose_every_scope_is() -> None:
    assert dict(scopes_of(service, PACKS / "guatemala") for service in SERVICES) == SCOPES_OF


@pytest.mark.parametrize("name", NAMES)
def test_every_client_of_a_pack_is_somebodys(name: str, tmp_path: Path) -> None:
    book = ClientBook(pack=PACKS / name, state=tmp_path, keyring=Keyring(tmp_path / "keys.json"))
    for entry in book.entries():
        client = book.get(entry["client_id"])
        whose = [client.organization_id is not None, client.staff, client.service is not None]
        assert sum(whose) == 1 or (client.reception_places and not any(whose)), client.client_id


@pytest.mark.parametrize("name", NAMES)
def test_every_role_has_a_client_or_a_sample_person(name: str) -> None:
    holders = [*read_yaml(PACKS / name / "clients.yaml")["clients"], *read_yaml(PACKS / name / "people.yaml")["people"]]
    assert {role for holder in holders for role in holder["roles"]} == set(roles_of(PACKS / name))


@pytest.mark.parametrize("name", NAMES)
def test_somebody_may_erase_correct_and_answer_a_person_about_all_of_their_data(name: str, tmp_path: Path) -> None:
    book = ClientBook(pack=PACKS / name, state=tmp_path, keyring=Keyring(tmp_path / "keys.json"))
    officer = book.get("data-protection-officer")
    needed = {"returnees:read", "returnees:write", "access-log:read", "consents:write", "erasure:write"}
    assert needed | {"restricted:read"} <= officer.scopes
    assert officer.organization_id is None
    assert officer.reception_places == (read_yaml(PACKS / name / "reception.yaml")["country"],)
    assert not {"offers:answer", "directory:write", "arrivals:write"} & officer.scopes, "and no more than that"


@pytest.mark.parametrize("name", NAMES)
def test_every_client_that_reads_people_has_its_reception_places_and_they_are_places_of_the_country(name: str) -> None:
    reception = read_yaml(PACKS / name / "reception.yaml")
    known = {reception["country"], *reception["places"]}
    child_desk = read_yaml(PACKS / name / "routing.yaml")["child_desk"]
    roles = roles_of(PACKS / name)
    for client in read_yaml(PACKS / name / "clients.yaml")["clients"]:
        scopes = set().union(*(roles[role] for role in client["roles"]))
        places = set(client.get("reception_places", ()))
        assert places <= known, client["client_id"]
        reads = bool(scopes & {"returnees:read", "safe-contact:read"}) and client["client_id"] != child_desk
        assert reads == bool(places), client["client_id"]
