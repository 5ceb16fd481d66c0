"""Who excludes a state excludes its authorities: no packet goes there, not in an emergency either, and what went is
asked back."""

from uuid import uuid4

from tests.service.registration.test_deletion_requests import a_guest, asked
from tests.service.registration.test_emergencies import CLERK, PATH, a_request
from tests.service.registration.test_packets_judged_again import an_accepted, correct, told

EXCLUDED = {"profile": {"avoid_countries": ["US"]}}


async def test_a_consulate_of_an_excluded_state_gets_no_packet_from_that_commit_on(registration):
    """Taken out: the states in `require_allowed`."""
    person, known = await an_accepted(registration)
    changed = await correct(registration, person, EXCLUDED)
    assert changed["profile"]["avoid_countries"] == ["US"]
    (event,) = await registration.events("returnee.changed.v1", key=person["id"])
    assert event["avoid_countries"] == ["US"]
    await registration.provider(known["organization_id"], version=2, acts_for="MX")
    assert await told(registration, known) == (409, "packet-not-ready"), "another state: judged again, not halted"
    await registration.provider(known["organization_id"], version=3, acts_for="US")
    assert await told(registration, known) == (403, "packet-halted")


async def test_what_an_authority_of_a_state_has_is_asked_back_when_the_state_is_excluded(registration):
    """Taken out: `acting_for` in `_excluded`."""
    person, known = await a_guest(registration)
    await registration.provider(known["organization_id"], version=2, acts_for="US")
    found = await registration.get(f"/v1/returnees/{person['id']}")
    changed = await registration.patch(f"/v1/returnees/{person['id']}", EXCLUDED, etag=found.headers["ETag"])
    assert changed.status_code == 200, changed.text
    assert [(event["offer_id"], event["reason"]) for event in await asked(registration, person)] == [
        (str(known["offer_id"]), "do_not_share")
    ]


async def test_an_authority_of_an_excluded_state_gets_nothing_in_an_emergency(registration):
    """Taken out: `acting_for` in `person_of`."""
    theirs = uuid4()
    await registration.provider(theirs, acts_for="US")
    partner = {"organization_id": str(theirs), "client_id": "partner", "reception_places": []}
    for excluded, status in ((False, 201), (True, 404)):
        person = await registration.register()
        if excluded:
            await correct(registration, person, EXCLUDED)
        answer = await registration.post(PATH, a_request(person), **(CLERK | partner))
        assert answer.status_code == status, answer.text


async def test_a_state_that_is_no_code_is_refused_and_nothing_is_stored(registration):
    person = await registration.register()
    body = {"profile": {"avoid_countries": ["consulate"]}}
    answer = await registration.patch(f"/v1/returnees/{person['id']}", body, etag='"1"')
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/profile/avoid_countries/0")
    found = await registration.get(f"/v1/returnees/{person['id']}")
    assert found.json()["profile"]["avoid_countries"] == []
