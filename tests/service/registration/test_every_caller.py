"""Each role of the packs, on each operation, as the owner of the rows, as another tenant and as nobody (domain P18).

Roles come from the packs and operations from the API document, so a new one of either is in the matrix by itself.
Bodies are the examples of the document: a body that is refused for its form would say nothing about rows.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.chassis.tenancy import RESTRICTED_SCOPE, CallerKind, refused_kind
from libs.chassis.yaml_files import read_yaml
from tests.documented import JSON, Documented, documented
from tests.service.registration.conftest import LANDED_AT, PACK, RECEPTION, a_consent, a_returnee, an_announcement
from tests.service.registration.matching import identity
from tests.service.registration.test_packets import accepted, facts

ORGANIZATION, CENTRE = CallerKind.ORGANIZATION, CallerKind.RECEPTION
NOBODY: dict[str, Any] = {"organization_id": None, "reception_places": [], "staff": False}
_PARAMETER = re.compile(r"{(\w+)}")
_PACK_NAMES = {"instrument": "triage"}
"""Parameters that name a part of the pack, and no row."""


@dataclass(frozen=True)
class Operation:
    """One operation, as the API document describes it."""

    method: str
    path: str
    scope: str
    by: frozenset[CallerKind]
    sent: Documented
    certified: bool
    """Whether it is refused to everybody without a certificate."""

    @property
    def rows(self) -> set[str]:
        return set(_PARAMETER.findall(self.path)) - _PACK_NAMES.keys()


@dataclass(frozen=True)
class Owner:
    """A tenant, another one of the same kind, and the rows of the first."""

    kind: CallerKind
    own: dict[str, Any]
    other: dict[str, Any]
    ids: dict[str, str]


def scopes_of_roles(asked_for: set[str]) -> list[frozenset[str]]:
    """What each role of every pack may do here, each set of scopes once."""
    files = [
        read_yaml(Path(pack) / "roles.yaml") for pack in sorted(PACK.parent.iterdir()) if (pack / "roles.yaml").exists()
    ]
    held = {frozenset(role["scopes"]) & asked_for for file in files for role in file["roles"].values()}
    return sorted(held, key=sorted)


async def operations_of(registration) -> list[Operation]:
    document = (await registration.client.get("/openapi.json")).json()
    found = []
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            sent = documented(document, method, path)
            by = frozenset(CallerKind(one) for one in told["x-callers"])
            certified = "certificate-missing" in str(told["responses"].get("403", ""))
            scope = told["security"][0]["bearer"][0]
            found.append(Operation(method.upper(), path, scope, by, sent, certified))
    return found


async def owner(registration, kind: CallerKind) -> Owner:
    """A flight with everything that a path can name, of an organisation or of a centre."""
    if kind is ORGANIZATION:
        own, other = ({**NOBODY, "organization_id": str(uuid4())} for _ in range(2))
    else:
        own, other = ({**NOBODY, "reception_places": [place]} for place in ("GT01", "GT12"))
    desk = own | {"client_id": f"desk-{uuid4()}", "scopes": RECEPTION}

    async def made(path: str, body: Any) -> dict[str, Any]:
        answer = await registration.post(path, body, **desk)
        assert answer.is_success, (path, answer.text)
        return dict(answer.json())

    batch = await made("/v1/arrival-batches", an_announcement(2))
    landing = {"people_count": 2, "landed_at": LANDED_AT.isoformat()}
    await made(f"/v1/arrival-batches/{batch['id']}/land", landing)
    sheet = await registration.post(f"/v1/arrival-batches/{batch['id']}/wristbands", {"count": 2}, **desk)
    same = {"identity": identity(), "arrival_batch_id": batch["id"], "consents": [a_consent()]}
    more = {"household_reference": f"family-{uuid4()}", "needs": [{"category": "food"}]}
    person = await made("/v1/returnees", a_returnee(**same, **more))
    await made("/v1/returnees", a_returnee(**same))
    path = f"/v1/returnees/{person['id']}"
    (match,) = (await registration.get(f"{path}/matches", **desk)).json()["items"]
    entries = (await registration.get(f"/v1/arrival-batches/{batch['id']}/entries", **desk)).json()["items"]
    ids = {
        "returnee_id": person["id"],
        "need_id": (await registration.get(f"{path}/needs", **desk)).json()["items"][0]["id"],
        "consent_id": (await registration.get(f"{path}/consents", **desk)).json()[0]["id"],
        "household_id": person["household_id"],
        "batch_id": batch["id"],
        "entry_id": entries[0]["id"],
        "sheet_id": sheet.headers["location"].rpartition("/")[2],
        "match_id": match["id"],
    }
    if kind is ORGANIZATION:
        offer = facts(person, organization_id=UUID(own["organization_id"]))
        await registration.hear(accepted(offer))
        ids["offer_id"] = str(offer["offer_id"])
    return Owner(kind, own, other, ids)


async def asked(registration, operation: Operation, ids: dict[str, str], scopes: frozenset[str], claims):
    """A request of a client that nobody else is, so that no limit of requests is met."""
    path = _PARAMETER.sub(lambda one: ids.get(one[1], _PACK_NAMES.get(one[1], str(uuid4()))), operation.path)
    headers = registration.headers(**claims, scopes=" ".join(sorted(scopes)), client_id=f"matrix-{uuid4()}")
    headers["If-Match"] = '"1"'
    sent = operation.sent
    body = {"json": sent.body}
    if sent.media not in ("", JSON):
        body, headers["Content-Type"] = {"content": b"x"}, sent.media
    return await registration.client.request(operation.method, path, params=sent.query, headers=headers, **body)


def refusal(operation: Operation, scopes: frozenset[str], kinds: frozenset[CallerKind]) -> str | None:
    """The code with which the operation refuses such a caller, whatever the rows are."""
    if operation.scope not in scopes:
        return "insufficient-scope"
    return None if kinds & operation.by else refused_kind(kinds, by=operation.by).code


def wrong(operation: Operation, answer, owned: Owner, scopes: frozenset[str], whose: str) -> bool:
    kinds = frozenset() if whose == "nobody" else frozenset({owned.kind})
    code = refusal(operation, scopes, kinds)
    if code is not None:
        return (answer.status_code, answer.json()["code"]) != (403, code)
    if whose == "other" and operation.rows:
        return answer.status_code != 404
    if whose == "other":
        return answer.status_code >= 500 or any(one in answer.text for one in owned.ids.values())
    if operation.certified:  # a client has no certificate, whatever its role
        return (answer.status_code, answer.json()["code"]) != (403, "certificate-missing")
    return operation.rows <= owned.ids.keys() and answer.status_code != 200


@pytest.mark.parametrize("kind", [ORGANIZATION, CENTRE])
async def test_nobody_reaches_a_person_who_is_not_theirs(registration, kind):
    operations, owned = await operations_of(registration), await owner(registration, kind)
    roles = scopes_of_roles({operation.scope for operation in operations} | {RESTRICTED_SCOPE})
    assert len(roles) > 5
    found, opened, kept = [], 0, 0
    for whose, claims in (("other", owned.other), ("nobody", NOBODY), ("own", owned.own)):
        for scopes in roles:
            for operation in operations:
                if whose == "own" and operation.method != "GET":
                    continue  # what changes a row would change the rows that are asked for next
                if whose != "other" and operation.scope not in scopes:
                    continue  # refused before anybody asks whose row it is: tried once
                answer = await asked(registration, operation, owned.ids, scopes, claims)
                opened += whose == "own" and answer.status_code == 200
                kept += whose == "other" and answer.status_code == 404
                if wrong(operation, answer, owned, scopes, whose):
                    found.append((whose, sorted(scopes), operation.method, operation.path, answer.text[:200]))
    assert found == []
    assert opened > 20, "the owner reads"
    assert kept > 100, "and nobody else"
