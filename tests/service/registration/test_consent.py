"""What a person allows, and how they may be reached without harm."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.service.registration.conftest import a_consent, a_returnee


async def test_a_consent_is_told_whole_and_its_withdrawal_too(registration):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}/consents"
    given = await registration.post(path, a_consent())
    assert given.status_code == 201, given.text
    assert given.json()["standing"] is True
    assert given.json()["discloser"] == "reception-system"
    second = await registration.post(path, a_consent(purpose="follow_up", recipient_class="network_staff"))
    withdrawn = await registration.post(f"{path}/{given.json()['id']}/withdraw")
    assert withdrawn.json()["standing"] is False
    told = await registration.events("consent.changed.v1")
    assert [event["version"] for event in told] == [1, 2, 3]
    assert [sorted(grant["purpose"] for grant in event["grants"]) for event in told] == [
        ["referral"],
        ["follow_up", "referral"],
        ["follow_up"],
    ]
    again = await registration.post(f"{path}/{given.json()['id']}/withdraw")
    assert (again.status_code, again.json()["code"]) == (409, "consent-already-withdrawn")
    listed = (await registration.get(path)).json()
    assert [one["id"] for one in listed] == [given.json()["id"], second.json()["id"]]
    assert listed[0]["data_described"].startswith("My name")


async def test_a_consent_that_has_run_out_is_not_told(registration):
    past = datetime.now(UTC) - timedelta(days=2)
    expired = a_consent(given_at=past.isoformat(), expires_at=(past + timedelta(days=1)).isoformat())
    await registration.register(consents=[expired])
    (told,) = await registration.events("consent.changed.v1")
    assert told["grants"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"given_at": "2100-01-01T00:00:00Z", "expires_at": "2101-01-01T00:00:00Z"}, "/given_at"),
        ({"revocation_explained": False}, "/revocation_explained"),
        ({"given_by": "officer"}, "/given_by"),
        ({"data_described": " "}, "/data_described"),
        ({"method": None}, "/method"),
        ({"method": "voice"}, "/witness_reference"),
        ({"method": "witnessed"}, "/witness_reference"),
        ({"method": "voice", "witness_reference": "desk-3"}, "/witness_reference"),
        ({"method": "voice", "witness_reference": "A name"}, "/witness_reference"),
        ({"witness_reference": "desk-3"}, "/witness_reference"),
    ],
)
async def test_a_consent_that_lacks_an_element_is_refused(registration, changes, pointer):
    person = await registration.register()
    answer = await registration.post(f"/v1/returnees/{person['id']}/consents", a_consent(**changes))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_spoken_consent_names_its_witness_who_is_sealed_and_goes_with_the_person(registration):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}/consents"
    given = await registration.post(path, a_consent(method="voice", witness_reference="desk-77"))
    assert given.status_code == 201, given.text
    assert given.json()["witness_reference"] == "desk-77"
    assert (await registration.get(path)).json()[0]["witness_reference"] == "desk-77"
    (stored,) = await registration.fetch("SELECT * FROM consent WHERE id = $1", UUID(given.json()["id"]))
    assert "desk-77" not in str(dict(stored))
    with pytest.raises(Exception, match="append-only"):
        await registration.fetch("UPDATE consent SET witness_reference_sealed = NULL")
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    (erased,) = await registration.fetch("SELECT * FROM consent WHERE id = $1", UUID(given.json()["id"]))
    assert erased["witness_reference_sealed"] is None


async def test_a_spoken_consent_without_a_witness_does_not_register_a_person_by_halves(registration):
    """By REST the whole registration is refused; nothing of it is stored."""
    answer = await registration.post("/v1/returnees", a_returnee(consents=[a_consent(method="voice")]))
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/consents/0/witness_reference"]


async def test_a_child_does_not_decide_alone(registration):
    child = {"given_names": "Muestra", "family_names": "Menor", "birth_date": "2015-01-01"}
    person = await registration.register(identity=child)
    path = f"/v1/returnees/{person['id']}/consents"
    alone = await registration.post(path, a_consent())
    assert (alone.status_code, alone.json()["errors"][0]["rule"]) == (422, "guardian-required")
    assert (await registration.post(path, a_consent(given_by="authority"))).status_code == 201


async def test_a_consent_cannot_be_rewritten_even_in_the_database(registration):
    await registration.register(consents=[a_consent()])
    for statement in ("UPDATE consent SET expires_at = expires_at + interval '1 day'", "DELETE FROM consent"):
        with pytest.raises(Exception, match="append-only"):
            await registration.fetch(statement)


async def test_the_safe_contact_is_asked_under_a_purpose_and_each_look_is_recorded(registration):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}/safe-contact"
    nothing = await registration.get(f"{path}?purpose=follow_up")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "safe-contact-missing")
    for address in ("5123 4561", "+502 5123 4562"):
        body = {"channel": "sms", "address": address}
        answer = await registration.client.put(path, json=body, headers=registration.headers())
        assert answer.status_code == 200, answer.text
    assert (await registration.get(path)).status_code == 422, "without a purpose nobody asks"
    found = (await registration.get(f"{path}?purpose=follow_up", client_id="notifications")).json()
    assert (found["address"], found["version"]) == ("+50251234562", 2)
    told = await registration.events("safe-contact.changed.v1")
    assert [(event["version"], event["channel"]) for event in told] == [(1, "sms"), (2, "sms")]
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log")).json()["items"]
    assert (log[0]["action"], log[0]["client_id"], log[0]["purpose"]) == (
        "safe_contact.read",
        "notifications",
        "follow_up",
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"channel": "sms"}, "/address"),
        ({"channel": "none", "address": "+502 5123 4561"}, "/address"),
        ({"channel": "call", "address": "+502 5123 4561", "hours_from": 20, "hours_until": 8}, "/hours_until"),
    ],
)
async def test_a_safe_contact_that_contradicts_itself_is_refused(registration, body, pointer):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}/safe-contact"
    answer = await registration.client.put(path, json=body, headers=registration.headers())
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_nobody_without_the_scope_learns_how_to_reach_a_person(registration):
    person = await registration.register()
    answer = await registration.get(
        f"/v1/returnees/{person['id']}/safe-contact?purpose=follow_up", scopes="returnees:read"
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


async def test_another_organisations_person_does_not_exist(registration):
    mine = uuid4()
    person = await registration.register()
    response = await registration.post("/v1/returnees", a_returnee(), organization_id=mine)
    path = f"/v1/returnees/{response.json()['id']}"
    for one in (
        path,
        f"{path}/needs",
        f"{path}/consents",
        f"{path}/access-log",
    ):
        assert (await registration.get(one, organization_id=uuid4())).status_code == 404, one
    for one, body in (
        (f"{path}/needs", {"category": "food"}),
        (f"{path}/consents", a_consent()),
    ):
        assert (await registration.post(one, body, organization_id=uuid4())).status_code == 404, one
    erasing = await registration.post(f"{path}/erasure", organization_id=uuid4())
    assert (erasing.status_code, erasing.json()["code"]) == (403, "staff-only")
    for organization_id in (mine, uuid4()):
        asked = await registration.get(f"{path}/safe-contact?purpose=follow_up", organization_id=organization_id)
        assert (asked.status_code, asked.json()["code"]) == (403, "wrong-caller"), "one of our own services alone asks"
    found = await registration.post("/v1/returnees/search", {"names": "muestra"}, organization_id=uuid4())
    assert response.json()["id"] not in [one["id"] for one in found.json()["items"]]
    assert (await registration.get(path, organization_id=mine)).status_code == 200
    assert (await registration.get(f"/v1/returnees/{person['id']}", organization_id=mine)).status_code == 200
