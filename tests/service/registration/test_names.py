"""Names are found however their apostrophes are written, have one rule by REST and by event, and stay as written."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.messages.opening import UnreadableEventError, parse
from services.registration.people.actions.indexing import index_anew
from tests.service.registration.conftest import a_returnee, an_announcement


def named(given: str, family: str) -> dict[str, Any]:
    return {"given_names": given, "family_names": family}


async def found(registration: Any, names: str) -> set[str]:
    answer = await registration.post("/v1/returnees/search", {"names": names})
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["items"]}


@pytest.mark.parametrize("written", ["\u02bc", "\ua78c", "\u2019", "\u2018", "`", "\u00b4", "'"])
async def test_a_mayan_name_is_found_however_its_apostrophe_is_written(registration, written):
    family = f"Q{written}eqchi{written} Zz{uuid4().hex[:8]}"
    person = await registration.register(identity=named("Ixch\u00e9l", family))
    shown = (await registration.get(f"/v1/returnees/{person['id']}")).json()
    assert shown["identity"]["family_names"] == family, "what is shown stays as it was written"
    for other in ("'", "\u02bc", "\ua78c", "\u2019", ""):
        assert await found(registration, f"ixchel {family.replace(written, other).upper()}") == {person["id"]}


async def test_hashes_of_an_older_form_are_made_anew_and_nobody_is_told(registration):
    family = f"K\u02bciche\u02bc Zz{uuid4().hex[:8]}"
    person = await registration.register(identity=named("Ana", family))
    old = "UPDATE returnee SET index_form = 1, search_index = '{7}' WHERE id = $1 RETURNING version"
    (before,) = await registration.fetch(old, UUID(person["id"]))
    told = await registration.events()
    assert await found(registration, family) == set()
    count = 1
    while count:
        async with registration.database.transaction() as session:
            count = await index_anew(session, vault=registration.vault, limit=3)
    assert await found(registration, family.replace("\u02bc", "'")) == {person["id"]}
    (after,) = await registration.fetch("SELECT version, index_form FROM returnee WHERE id = $1", UUID(person["id"]))
    assert (after["version"], after["index_form"]) == (before["version"], 2)
    assert await registration.events() == told


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("\u200b", "visible-letter"),
        ("\u02bc", "visible-letter"),
        ("\u3164", "visible-letter"),
        ("Ana\x07", "control-character"),
        ("Ana\nPaz", "control-character"),
        ("o\u0301" * 121, "string-too-long"),
    ],
)
async def test_what_is_no_name_is_refused_by_every_way_in(registration, name, rule):
    arrival = a_returnee(sender_reference=str(uuid4()), identity=named(name, "Paz"))
    entries = [{"sender_reference": "seat-1", **named(name, "Paz")}]
    for path, body, pointer in (
        ("/v1/returnees", arrival, "/identity/given_names"),
        ("/v1/arrival-batches", an_announcement(entries=entries), "/entries/0/given_names"),
    ):
        answer = await registration.post(path, body)
        assert answer.status_code == 422
        assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [(pointer, rule)]
    with pytest.raises(UnreadableEventError) as parked:
        parse(ReturneeArrived, json.dumps(arrival).encode())
    assert parked.value.places == f"identity.given_names {rule.replace('-', '_')}"
    person = await registration.register()
    etag = (await registration.get(f"/v1/returnees/{person['id']}")).headers["ETag"]
    path = f"/v1/returnees/{person['id']}"
    assert (await registration.patch(path, {"identity": {"given_names": name}}, etag=etag)).status_code == 422


async def test_what_nobody_sees_is_dropped_by_every_way_in(registration):
    mark = f"Zz{uuid4().hex[:8]}"
    by_rest = await registration.register(identity=named("\u202eAna\u202c", f"\ufeff{mark}\u200b"))
    told = a_returnee(sender_reference=str(uuid4()), identity=named("Ana\u200b", mark))
    await registration.hear(ReturneeArrived.model_validate(told))
    shown = (await registration.get(f"/v1/returnees/{by_rest['id']}")).json()["identity"]
    assert (shown["given_names"], shown["family_names"]) == ("Ana", mark)
    assert len(await found(registration, f"ana {mark}")) == 2


async def test_a_number_from_a_spreadsheet_is_no_safe_contact_by_rest_and_is_set_aside_by_event(registration):
    contact = {"channel": "sms", "address": "5.02E+10"}
    answer = await registration.post("/v1/returnees", a_returnee(safe_contact=contact))
    assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [
        ("/safe_contact/address", "phone-number")
    ]
    reference, needs = str(uuid4()), [{"category": "shelter", "urgency": "emergency"}]
    told = a_returnee(sender_reference=reference, safe_contact=contact, needs=needs)
    await registration.hear(ReturneeArrived.model_validate(told))
    (need,) = await registration.events("need.reported.v1")
    assert need["urgency"] == "emergency", "a doubtful number keeps nobody from a bed"
    assert await registration.events("safe-contact.changed.v1") == []


async def test_a_safe_number_is_kept_in_e_164_by_every_way_in(registration):
    contact = {"channel": "sms", "address": "5123-4567"}
    by_rest = await registration.register(safe_contact=contact)
    told = a_returnee(sender_reference=str(uuid4()), safe_contact=contact)
    await registration.hear(ReturneeArrived.model_validate(told))
    people = [by_rest["id"], (await registration.events("returnee.registered.v1"))[-1]["returnee_id"]]
    assert len(set(people)) == 2
    for person in people:
        path = f"/v1/returnees/{person}/safe-contact?purpose=follow_up"
        assert (await registration.get(path)).json()["address"] == "+50251234567"
