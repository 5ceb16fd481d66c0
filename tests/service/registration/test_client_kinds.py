"""Not only returnees are served: who the person is to the country is part of the routing profile."""

from __future__ import annotations

from typing import Any

import pytest

from libs.events.people_codes import ClientKind
from tests.service.registration.conftest import a_returnee
from tests.service.registration.test_doubtful_parts import arrive, parts


def a_profile(**facts: Any) -> dict[str, Any]:
    return {"nationality": "HN", "identity_document": "held"} | facts


async def told(registration: Any, returnee_id: str) -> list[str]:
    events = await registration.events("returnee.registered.v1", "returnee.changed.v1", key=returnee_id)
    return [event["client_kind"] for event in events]


@pytest.mark.parametrize("kind", ClientKind)
async def test_every_kind_is_registered_and_published_by_either_way(registration, kind):
    by_rest = await registration.register(profile=a_profile(client_kind=kind))
    assert by_rest["profile"]["client_kind"] == kind
    by_event = await arrive(registration, profile=a_profile(client_kind=kind))
    assert await told(registration, by_rest["id"]) == await told(registration, by_event) == [kind]


async def test_who_is_not_told_to_be_something_else_is_a_returnee_until_it_is_corrected(registration):
    person = (await registration.register())["id"]
    path = f"/v1/returnees/{person}"
    answer = await registration.patch(path, {"profile": {"client_kind": "host_community"}}, etag='"1"')
    assert answer.json()["profile"]["client_kind"] == "host_community"
    assert await told(registration, person) == ["returnee", "host_community"]


async def test_an_unknown_kind_is_refused_by_rest_and_set_aside_by_event(registration):
    odd = a_profile(client_kind="tourist")
    answer = await registration.post("/v1/returnees", a_returnee(profile=odd))
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/profile/client_kind"]
    person = await arrive(registration, profile=odd)
    (part,) = await parts(registration, person)
    assert (part["pointer"], part["rule"]) == ("/profile/client_kind", "unknown-code")
    assert await told(registration, person) == ["returnee"]
