"""The conditions of a safe contact: whose it is, a code word, whether the organisation may be named, and its end."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from services.registration.retention.queries import clocks_of
from tests.service.registration.conftest import a_consent, a_returnee
from tests.service.registration.offline import Device
from tests.service.registration.test_doubtful_parts import arrive
from tests.service.registration.test_packets import accepted, facts, fetch

CENTRAL_AMERICA = timezone(timedelta(hours=-6))
CONDITIONS = {"address_owner": "relative", "code_word": "zanate", "may_name_organization": True}
NUMBER = {"channel": "call", "address": "+50251234567"}
SERVICE = {"scopes": "safe-contact:read", "client_id": "notifications"}
DAYS = 180


def path_of(person_id):
    return f"/v1/returnees/{person_id}/safe-contact"


@pytest.fixture
def device(registration):
    return Device(registration)


async def ask(registration, person_id):
    return await registration.get(f"{path_of(person_id)}?purpose=follow_up", **SERVICE)


async def state_of(registration, person_id):
    return (await registration.get(f"{path_of(person_id)}/state")).json()["state"]


async def put(registration, person_id, **body):
    return await registration.client.put(path_of(person_id), json=body, headers=registration.headers())


async def age(registration, person_id, days):
    """Let the contact be confirmed some days ago."""
    back = "UPDATE safe_contact SET confirmed_at = now() - make_interval(days => $2) WHERE returnee_id = $1"
    await registration.fetch(back, UUID(str(person_id)), days)


@pytest.mark.parametrize("way", ["rest", "event", "put"])
async def test_every_way_in_takes_the_conditions_and_they_are_given_out_with_the_number(registration, way):
    ends = datetime.now(UTC) + timedelta(days=30)
    told = NUMBER | CONDITIONS | {"expires_at": ends.isoformat()}
    if way == "event":
        person_id = await arrive(registration, safe_contact=told)
    else:
        person = await registration.register(**({"safe_contact": told} if way == "rest" else {}))
        person_id = person["id"]
    if way == "put":
        assert (await put(registration, person_id, **told)).json()["code_word"] == "zanate"
    found = (await ask(registration, person_id)).json()
    assert {name: found[name] for name in told if name != "expires_at"} == NUMBER | CONDITIONS
    assert datetime.fromisoformat(found["expires_at"]) == ends
    assert await state_of(registration, person_id) == "valid"
    (row,) = await registration.fetch(
        "SELECT code_word_sealed FROM safe_contact WHERE returnee_id = $1", UUID(str(person_id))
    )
    assert b"zanate" not in row["code_word_sealed"]
    (event,) = await registration.events("safe-contact.changed.v1", key=str(person_id))
    assert "zanate" not in str(event)
    assert "relative" not in str(event)


async def test_what_nobody_told_allows_nothing(registration):
    person = await registration.register(safe_contact=NUMBER)
    found = (await ask(registration, person["id"])).json()
    assert (found["address_owner"], found["code_word"], found["may_name_organization"]) == (None, None, False)
    lasts = datetime.fromisoformat(found["expires_at"]) - datetime.fromisoformat(found["confirmed_at"])
    assert lasts == timedelta(days=DAYS)


async def test_after_its_end_the_contact_is_missing_and_a_desk_sees_that_it_must_be_asked_again(registration):
    person = await registration.register(safe_contact=NUMBER | CONDITIONS)
    await age(registration, person["id"], DAYS - 1)
    assert (await ask(registration, person["id"])).status_code == 200
    await age(registration, person["id"], DAYS)
    ended = await ask(registration, person["id"])
    assert (ended.status_code, ended.json()["code"]) == (404, "safe-contact-missing")
    assert "1234567" not in ended.text
    assert await state_of(registration, person["id"]) == "ended"
    assert (await put(registration, person["id"], **NUMBER)).status_code == 200
    assert (await ask(registration, person["id"])).status_code == 200, "the person was asked again"


async def test_the_end_that_the_person_told_counts_before_that_of_the_country(registration):
    past, later = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 300))
    person = await registration.register(safe_contact=NUMBER)
    told = await put(registration, person["id"], **NUMBER, expires_at=past.isoformat())
    assert told.status_code == 200, "an older contact must not be used instead"
    assert (await ask(registration, person["id"])).status_code == 404
    await put(registration, person["id"], **NUMBER, expires_at=later.isoformat())
    await age(registration, person["id"], DAYS + 1)
    assert (await ask(registration, person["id"])).status_code == 200


async def test_the_wish_that_nobody_makes_contact_never_ends(registration):
    person = await registration.register(safe_contact={"channel": "none"})
    await age(registration, person["id"], 5000)
    found = (await ask(registration, person["id"])).json()
    assert (found["channel"], found["expires_at"]) == ("none", None)
    assert await state_of(registration, person["id"]) == "nobody"
    assert await state_of(registration, (await registration.register())["id"]) == "missing"


@pytest.mark.parametrize(
    ("change", "pointer", "rule"),
    [
        ({"address_owner": "neighbour"}, "/address_owner", "enum"),
        ({"code_word": "x"}, "/code_word", "string-too-short"),
        ({"code_word": "x" * 41}, "/code_word", "string-too-long"),
        ({"code_word": "a\nb"}, "/code_word", "string-pattern-mismatch"),
        ({"code_word": 1234}, "/code_word", "string-type"),
        ({"may_name_organization": "yes"}, "/may_name_organization", None),
        ({"expires_at": "2026-12-24"}, "/expires_at", None),
        ({"expires_at": "2199-01-01T00:00:00Z"}, "/expires_at", "too-far-ahead"),
        ({"expires_at": "1999-01-01T00:00:00Z"}, "/expires_at", "too-long-ago"),
        ({"channel": "none", "address": None, "code_word": "zanate"}, "/code_word", "no-address"),
    ],
    ids=[str(number) for number in range(10)],
)
async def test_a_condition_that_cannot_be_is_refused_at_its_field_and_nothing_is_stored(
    registration, change, pointer, rule
):
    person = await registration.register()
    answer = await put(registration, person["id"], **NUMBER | change)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert rule is None or error["rule"] == rule, error
    assert await state_of(registration, person["id"]) == "missing"


async def test_an_event_with_a_condition_that_cannot_be_sets_the_whole_contact_aside(registration):
    person_id = await arrive(registration, safe_contact=NUMBER | {"expires_at": "2199-01-01T00:00:00Z"})
    assert await state_of(registration, person_id) == "missing"
    (part,) = await registration.fetch("SELECT pointer FROM doubtful_part WHERE returnee_id = $1", UUID(str(person_id)))
    assert part["pointer"] == "/safe_contact"


async def test_a_packet_has_the_number_with_its_conditions_and_after_the_end_no_number(registration):
    person = await registration.register(safe_contact=NUMBER | CONDITIONS, consents=[a_consent()])
    known = facts(person)
    await registration.hear(accepted(known))
    shown = (await fetch(registration, known)).json()["safe_contact"]
    assert {name: shown[name] for name in NUMBER | CONDITIONS} == NUMBER | CONDITIONS
    assert datetime.fromisoformat(shown["expires_at"]) > datetime.now(UTC)
    await age(registration, person["id"], DAYS)
    answer = await fetch(registration, known)
    assert answer.status_code == 200
    assert answer.json()["safe_contact"] is None
    assert "1234567" not in answer.text


async def test_another_organisation_does_not_learn_whether_a_contact_is_known(registration):
    response = await registration.post("/v1/returnees", a_returnee(safe_contact=NUMBER), organization_id=uuid4())
    state = f"{path_of(response.json()['id'])}/state"
    assert (await registration.get(state, organization_id=uuid4())).status_code == 404
    without_scope = await registration.get(state, scopes="returnees:write")
    assert (without_scope.status_code, without_scope.json()["code"]) == (403, "insufficient-scope")


async def test_a_device_sends_the_conditions_and_two_code_words_are_a_conflict(registration, device):
    one = await device.register()
    told = NUMBER | CONDITIONS | {"expires_at": (datetime.now(UTC) + timedelta(days=30)).isoformat()}
    (done,) = await device.send(device.op("set_safe_contact", returnee_id=one["person_id"], data=told))
    assert done["outcome"] == "done", done
    person_id = one["returnee_id"]
    assert (await ask(registration, person_id)).json()["code_word"] == "zanate"
    other = told | {"code_word": "quetzal"}
    await put(registration, person_id, **other)
    (lost,) = await device.send(device.op("set_safe_contact", returnee_id=one["person_id"], data=told))
    assert lost["outcome"] == "conflict", "a wrong code word tells the person that the call is not genuine"
    assert await state_of(registration, person_id) == "nobody"


async def test_a_device_that_sends_what_is_stored_already_makes_no_conflict(registration, device):
    one = await device.register()
    told = NUMBER | CONDITIONS | {"expires_at": (datetime.now(CENTRAL_AMERICA) + timedelta(days=30)).isoformat()}
    for body in (NUMBER, told):
        await put(registration, one["returnee_id"], **body)
        (same,) = await device.send(device.op("set_safe_contact", returnee_id=one["person_id"], data=body))
        assert same["outcome"] == "unchanged", body


def test_the_rules_of_retention_know_the_end(sample_pack):
    (clock,) = [one for one in clocks_of(sample_pack.reception) if one.data == "use of a safe contact"]
    assert (clock.days, clock.setting) == (DAYS, "retention.safe_contact_days")
