"""What stands for a person's word is asked for: no default claims that somebody said something."""

import pytest

from tests.service.registration.conftest import a_consent, a_returnee
from tests.service.registration.test_doubtful_parts import EMERGENCY, arrive, needs, parts

WORDS = ["given_by", "revocation_explained"]


def silent(word):
    """A consent that does not say this."""
    return {name: value for name, value in a_consent().items() if name != word}


@pytest.mark.parametrize("word", WORDS)
async def test_by_rest_a_consent_must_say_who_gave_it_and_that_taking_it_back_was_explained(registration, word):
    person = await registration.register()
    alone = await registration.post(f"/v1/returnees/{person['id']}/consents", silent(word))
    assert (alone.status_code, alone.json()["errors"][0]["pointer"]) == (422, f"/{word}")
    with_the_person = await registration.post("/v1/returnees", a_returnee(consents=[silent(word)]))
    assert with_the_person.status_code == 422
    assert [one["pointer"] for one in with_the_person.json()["errors"]] == [f"/consents/0/{word}"]


@pytest.mark.parametrize("word", WORDS)
async def test_by_event_a_consent_that_does_not_say_it_is_none_and_waits_for_a_person(registration, word):
    person = await arrive(registration, needs=[EMERGENCY], consents=[silent(word)])
    assert await needs(registration, person) == [("shelter", "emergency", 1)]
    told = [one for one in await registration.events("consent.changed.v1") if one["returnee_id"] == person]
    assert not any(one["grants"] for one in told)
    (part,) = await parts(registration, person)
    assert (part["pointer"], part["rule"]) == ("/consents/0", "missing")


async def test_languages_and_hours_that_nobody_told_are_not_filled_in(registration):
    contact = {"channel": "sms", "address": "+502 5123 4567"}
    person = await registration.register(safe_contact=contact, consents=[a_consent()])
    (event,) = await registration.events("returnee.registered.v1", key=person["id"])
    assert event["languages"] == []
    path = f"/v1/returnees/{person['id']}/safe-contact"
    asking = {"scopes": "safe-contact:read", "client_id": "notifications"}
    found = (await registration.get(f"{path}?purpose=follow_up", **asking)).json()
    assert (found["language"], found["hours_from"], found["hours_until"]) == (None, None, None)
    assert found["may_leave_message"] is False, "a silence allows nothing"
    by_event = await arrive(registration, safe_contact=contact)
    (event,) = await registration.events("returnee.registered.v1", key=by_event)
    assert event["languages"] == []
    told = contact | {"language": "mam", "hours_from": 9, "hours_until": 12}
    known = {"nationality": "GT", "identity_document": "held", "languages": ["mam"]}
    other = await registration.register(safe_contact=told, profile=known)
    (event,) = await registration.events("returnee.registered.v1", key=other["id"])
    assert event["languages"] == ["mam"]
    path = f"/v1/returnees/{other['id']}/safe-contact"
    found = (await registration.get(f"{path}?purpose=follow_up", **asking)).json()
    assert (found["language"], found["hours_from"], found["hours_until"]) == ("mam", 9, 12)
