"""Requests with a mark in each text: consents for one organisation, an emergency, the release of a child, people who
are called, a person without papers, a file of people, and excluded people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.marks import PHONE
from tests.service.registration.checking import IDENTITY, a_clerk, an_adult, answers_to, made, proven
from tests.service.registration.checking import answer as answer_check
from tests.service.registration.conftest import Registration, a_returnee
from tests.service.registration.exporting import a_person_of_today, file_of, named, rows_in
from tests.service.registration.exporting import approved as approved_export
from tests.service.registration.offline import Device
from tests.service.registration.releasing import ADULT, AUTHORITY, CHILD, DESK, HEARD, OTHER, VERIFIED, a_release, step
from tests.service.registration.test_emergencies import CLERK as ASKING
from tests.service.registration.test_emergencies import PATH, a_request, approved
from tests.service.registration.test_named_consents import give, known_organization, naming

Mark = Callable[[], str]


async def for_one_organization(registration: Registration, mark: Mark) -> None:
    """Consents that name an organisation, at the registration, later, and on a device."""
    organization_id = await known_organization(registration)

    def named() -> dict[str, Any]:
        texts = {name: mark() for name in ("data_described", "staff_reference", "witness_reference", "recipient_name")}
        return naming(organization_id, method="voice", **texts)

    answer = await registration.post("/v1/returnees", a_returnee(named_consents=[named()]))
    assert answer.status_code == 201, answer.text
    assert (await give(registration, answer.json(), named())).status_code == 201
    device = Device(registration)
    made = device.op("register", person_id=str(uuid4()), data=a_returnee(named_consents=[named()]))
    given = device.op("give_consent", returnee_id=made["person_id"], data=named())
    results = await device.send(made, given)
    assert [one["outcome"] for one in results] == ["done", "done"], results


async def in_an_emergency(registration: Registration, mark: Mark) -> None:
    """Access to save a life: asked for, and given to somebody else too."""
    person = await registration.register(identity=ADULT)
    asked = await registration.post(PATH, a_request(person, words=mark()), **ASKING)
    assert asked.status_code == 201, asked.text
    await approved(registration, person)


async def of_a_child(registration: Registration, mark: Mark) -> None:
    """A child who is alone, to the sign-off."""
    child = await registration.register(identity=CHILD)
    relative = {"given_names": mark(), "family_names": mark(), "document_number": mark()}
    begun = await registration.post("/v1/child-releases", a_release(child, relative=relative), **DESK)
    assert begun.status_code == 201, begun.text
    for name, body, claims in (
        ("child-view", HEARD | {"heard_by": mark(), "words": mark()}, DESK),
        ("verification", VERIFIED, OTHER),
        ("sign-off", {"reference": mark()}, AUTHORITY),
    ):
        answer = await step(registration, begun.json(), name, body, **claims)
        assert answer.status_code == 200, answer.text


async def called_back(registration: Registration, mark: Mark) -> None:
    """A marked number, as senders write it, at the registration, later, and on a device."""
    called = {"channel": "call", "address": PHONE}
    answer = await registration.post("/v1/returnees", a_returnee(safe_contact=called, sender_reference=mark()))
    assert answer.status_code == 201, answer.text
    path = f"/v1/returnees/{answer.json()['id']}/safe-contact"
    for address in ("+502 5551-9731", "5551 9731", PHONE):
        body = called | {"address": address}
        changed = await registration.client.put(path, json=body, headers=registration.headers())
        assert changed.is_success, changed.text
    kept = await registration.get(f"{path}?purpose=referral")
    assert kept.status_code == 200, kept.text
    assert PHONE in kept.text, "the mark is where it belongs"
    device = Device(registration)
    made = device.op("register", person_id=str(uuid4()), data=a_returnee(safe_contact=called))
    results = await device.send(made, device.op("set_safe_contact", returnee_id=made["person_id"], data=called))
    assert [one["outcome"] for one in results] == ["done", "done"], results
    wrong = called | {"address": f"{PHONE} 5.02E+10"}
    assert (await registration.client.put(path, json=wrong, headers=registration.headers())).status_code == 422


async def without_papers(registration: Registration, mark: Mark) -> None:
    """Wrong answers, then right ones, with which the report is read and a name is corrected."""
    names = {"given_names": mark(), "family_names": mark(), "document_number": mark()}
    person, clerk = await registration.register(**an_adult(identity=IDENTITY | names)), a_clerk()
    first = await made(registration, person, **clerk)
    wrong = await answer_check(registration, first, answers_to(first, wrong=1), **clerk)
    assert not wrong.json()["proven"], wrong.text
    check = await proven(registration, person, **clerk)
    path = f"/v1/returnees/{person['id']}"
    for page in ("access-report", "access-report/page"):
        query = f"proof=identity_check&identity_check_id={check['id']}"
        assert (await registration.get(f"{path}/{page}?{query}", **clerk)).status_code == 200
    headers = registration.headers(**clerk) | {"If-Match": '"1"'}
    body = {"identity": {"given_names": mark()}}
    done = await registration.client.patch(f"{path}?identity_check_id={check['id']}", json=body, headers=headers)
    assert done.status_code == 200, done.text


async def in_a_file(registration: Registration, mark: Mark) -> None:
    """A person in an identified export whose reason is marked too."""
    await a_person_of_today(registration, identity={"given_names": mark(), "family_names": mark()})
    export = await approved_export(registration, await named(registration, reason=mark()))
    assert rows_in(await file_of(registration, export))


async def with_excluded_people(registration: Registration, mark: Mark) -> None:
    """A person who excludes somebody, and says why, also on a device; a household that they would share, and one reason
    more."""
    person, other = await registration.register(), await registration.register()
    path = f"/v1/returnees/{person['id']}"
    told = {"name": {"given_names": mark(), "family_names": mark()}, "reason": "other", "reason_words": mark()}
    answer = await registration.post(f"{path}/excluded-people", told | {"returnee_id": other["id"]})
    assert answer.status_code == 201, answer.text
    device = Device(registration)
    marked = {"name": {"given_names": mark(), "family_names": mark()}, "reason": "other", "reason_words": mark()}
    (result,) = await device.send(device.op("exclude_person", returnee_id=person["id"], data=marked))
    assert result["outcome"] == "done", result
    ids = [person["id"], other["id"]]
    body = {"reference_returnee_id": ids[0], "member_ids": ids, "expected_size": 2}
    assert (await registration.post("/v1/households", body)).json()["code"] == "must-stay-apart"
    reason = {"about": "purpose", "value": "research", "reason": "other", "reason_words": mark()}
    headers = registration.headers()
    done = await registration.client.put(f"{path}/withholding-reasons", json=reason, headers=headers)
    assert done.status_code == 200, done.text
    not_withheld = await registration.client.put(
        f"{path}/withholding-reasons", json=reason | {"value": mark()}, headers=registration.headers()
    )
    assert not_withheld.status_code == 422, not_withheld.text
