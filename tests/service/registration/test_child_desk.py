"""The desk for children reads children and nobody else, on every operation, with every scope (domain P13, P18)."""

from __future__ import annotations

from typing import Any

from libs.chassis.tenancy import CallerKind
from tests.service.registration.releasing import ADULT
from tests.service.registration.test_every_caller import Owner, asked, operations_of, owner

DESK: dict[str, Any] = {"staff": True, "reception_places": [], "desks": ["pgn-child-desk"]}
WHOLE_COUNTRY = DESK | {"reception_places": ["GT"]}


async def an_adult(registration) -> Owner:
    """An adult of a centre, with everything that a path can name."""
    owned = await owner(registration, CallerKind.RECEPTION)
    profile = {"nationality": "GT", "identity_document": "held", "age": {"group": "adult", "basis": "document"}}
    path = f"/v1/returnees/{owned.ids['returnee_id']}"
    read = await registration.get(path, **owned.own)
    headers = registration.headers() | {"If-Match": read.headers["ETag"]}
    body = {"identity": {"birth_date": ADULT["birth_date"]}, "profile": {"age": profile["age"]}}
    changed = await registration.client.patch(path, json=body, headers=headers)
    assert changed.status_code == 200, changed.text
    return owned


async def test_no_operation_shows_the_desk_an_adult(registration):
    owned = await an_adult(registration)
    every = [one for one in await operations_of(registration) if CallerKind.STAFF in one.by]
    scopes = frozenset(one.scope for one in every) | {"restricted:read"}
    of_adult = {name: owned.ids[name] for name in ("returnee_id", "need_id", "consent_id")}
    seen, kept = [], 0
    for operation in every:
        answer = await asked(registration, operation, owned.ids, scopes, DESK)
        assert answer.status_code < 500, (operation, answer.text)
        kept += answer.status_code == 404
        if "returnee_id" in operation.rows and answer.status_code != 404:
            seen.append((operation.method, operation.path, answer.status_code))
        if operation.method == "GET" and any(one in answer.text for one in of_adult.values()):
            seen.append((operation.method, operation.path, answer.text[:120]))
    assert seen == []
    assert kept > 20


async def test_a_place_in_the_token_of_the_desk_opens_no_adult(registration):
    owned = await an_adult(registration)
    everything = " ".join(sorted({one.scope for one in await operations_of(registration)}))
    for part in ("", "/needs", "/consents", "/access-log", "/matches", "/arrivals"):
        path = f"/v1/returnees/{owned.ids['returnee_id']}{part}"
        answer = await registration.get(path, **WHOLE_COUNTRY, scopes=everything)
        assert answer.status_code == 404, part
