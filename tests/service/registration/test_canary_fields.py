"""Every text that a request can carry gets a marked value, in the whole journey; then the marks are looked for.

The fields come from the API document: a new one that nobody marks here fails the test. What is refused is marked too.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.registration.manifest_files.schemas import XLSX
from tests.marks import BIRTH_DATE, MARK, PHONE, Marks, columns_that_tell, mark, watching
from tests.personal_texts import with_free_dates
from tests.service.registration.answering import save
from tests.service.registration.conftest import LANDED_AT, Registration, a_consent, a_returnee, an_announcement
from tests.service.registration.marked_journeys import (
    called_back,
    for_one_organization,
    in_a_file,
    in_an_emergency,
    of_a_child,
    with_excluded_people,
    without_papers,
)
from tests.service.registration.matching import compare, match_of, merge, unmerge
from tests.service.registration.offline import Device, resolve
from tests.service.registration.test_arrivals import CSV, params
from tests.service.registration.test_packets import accepted, facts, fetch
from tests.unit.registration.test_workbooks import workbook

OFFICER = {
    "scopes": "legal-requests:read legal-requests:write access-reports:read deletions:read incidents:read "
    "incidents:write restricted:read",
    "client_id": "officer",
}
CLIENTS = {
    f"POST /v1/incidents{path} /{name}" for path in ("", "/affected") for name in ("client_id", "who")
}  # fmt: skip
"""Ids of clients and of people who sign in, as tokens have them. They are in the record of access, and of nobody who
returns."""
ONLY_REFUSED = {
    "POST /v1/check-ins /items/*/wristband",
    "POST /v1/grants/check /grant",
    "POST /v1/returnees /wristband",
    "POST /v1/sync /operations/*[register]/data/wristband",
    "POST /v1/wristbands/assign /code",
    "POST /v1/wristbands/take /codes/*",
    "POST /v1/wristbands/void /code",
    "POST /v1/wristbands/void /replacement",
}
"""Codes with a check character, and signed texts: a marked one is never right."""


class MarksOfSync(Marks):
    """Looks at each operation of a device too: one that is refused has a problem of its own."""

    async def look(self, response: httpx.Response) -> None:
        await super().look(response)
        if response.is_success and response.request.url.path == "/v1/sync":
            results = response.json()["results"]
            self.problems += [json.dumps(one["problem"]) for one in results if one["problem"]]


def identity(**changes: Any) -> dict[str, Any]:
    names = {"given_names": mark(), "family_names": mark(), "document_number": mark()}
    return names | {"birth_date": BIRTH_DATE} | changes


def consent() -> dict[str, Any]:
    """By voice, with a witness."""
    staff = {"staff_reference": mark(), "witness_reference": mark(), "method": "voice"}
    return a_consent(data_described=mark(), **staff)


def arrival(**changes: Any) -> dict[str, Any]:
    """A person with every text that a registration can carry, but for a wristband."""
    return a_returnee(
        sender_reference=mark(), identity=identity(), consents=[consent()], household_reference=mark(),
        needs=[{"category": "food", "sender_reference": mark()}],
        safe_contact={"channel": "email", "address": f"{MARK}@example.org", "code_word": MARK}, **changes,
    )  # fmt: skip


async def announce(registration: Registration) -> str:
    """A flight by JSON, by CSV and by XLSX; gives the reference of the first."""
    reference = mark()
    words = {"carrier": mark(), "origin": mark()}
    entries = [
        {"sender_reference": f"{MARK}-{n}", "given_names": mark(), "family_names": mark(), "birth_date": BIRTH_DATE}
        for n in range(2)
    ]
    await registration.announce(sender_reference=reference, entries=entries, **words)
    csv = f"{CSV}\n{MARK}-1,{MARK},{MARK},{BIRTH_DATE},,\n".encode()
    faulty = f"{CSV}\n{MARK}-1,{MARK},{MARK},{MARK},{MARK},{MARK}\n=1+{MARK},,,,,\n".encode()
    sheet = workbook([f"{MARK}-1", mark(), mark(), BIRTH_DATE, "", ""])
    wrong = workbook([f"{MARK}-1", mark(), mark(), MARK, MARK, MARK])
    for body, media in ((csv, "text/csv"), (faulty, "text/csv"), (sheet, XLSX), (wrong, XLSX)):
        answer = await registration.client.post(
            "/v1/arrival-batches", content=body, params=params(sender_reference=mark(), **words),
            headers=registration.headers() | {"Content-Type": media},
        )  # fmt: skip
        assert answer.status_code == (201 if body in (csv, sheet) else 422), answer.text
    return reference


async def with_a_line(registration: Registration, flight: str) -> dict[str, Any]:
    """Register, correct, answer, consent, be found, be read in a packet and in a report."""
    on_flight = {"batch_reference": flight, "manifest_reference": f"{MARK}-0"}
    answer = await registration.post("/v1/returnees", arrival(**on_flight))
    assert answer.status_code == 201, answer.text
    person = dict(answer.json())
    path = f"/v1/returnees/{person['id']}"
    await registration.patch(path, {"identity": identity()}, etag='"1"')
    given = await registration.post(f"{path}/consents", consent())
    await registration.post(f"{path}/needs", {"category": "health", "sender_reference": mark()})
    contact = {"channel": "email", "address": f"{MARK}.2@example.org", "code_word": MARK}
    await registration.client.put(f"{path}/safe-contact", json=contact, headers=registration.headers())
    assert (await save(registration, person, "vulnerability", which_medicine=mark())).status_code == 200
    for terms in ({"names": MARK, "birth_date": BIRTH_DATE}, {"document_number": mark()}):
        assert (await registration.post("/v1/returnees/search", terms)).status_code == 200
    known = facts(person)
    await registration.hear(accepted(known))
    assert (await fetch(registration, known)).status_code == 200
    receipt = await registration.get(f"{path}/consents/{given.json()['id']}/receipt")
    assert receipt.status_code == 200, receipt.text
    return person


async def questions_about(registration: Registration, person: dict[str, Any]) -> None:
    """An authority asks, an incident is looked at, and the person asks what is known."""
    path = f"/v1/returnees/{person['id']}"
    asked = {"returnee_id": person["id"], "authority": "police", "reference": mark(), "words": mark()}
    body = asked | {"asked": ["identity"], "received_at": LANDED_AT.isoformat()}
    made = await registration.post("/v1/legal-requests", body, **OFFICER)
    assert made.status_code == 201, made.text
    whole = await registration.get(f"/v1/legal-requests/{made.json()['id']}", **OFFICER)
    assert MARK in whole.text, "the mark is where it belongs"
    for name in ("access-report", "access-report/page"):
        report = await registration.get(f"{path}/{name}?proof=document_seen", **OFFICER)
        assert MARK in report.text, "the mark is where it belongs"


async def merged_and_parted(registration: Registration) -> None:
    """One person registered twice, merged and taken apart."""
    same = identity(birth_date="1988-04-17")
    one, other = [await registration.register(identity=same) for _ in range(2)]
    await compare(registration)
    match = await match_of(registration, one, other)
    assert (await merge(registration, match, one["id"])).status_code == 200
    version = (await registration.get(f"/v1/returnees/{other['id']}")).json()["version"]
    assert (await unmerge(registration, other["id"], version=version)).status_code == 200


async def without_a_line(registration: Registration, flight: str, person: dict[str, Any]) -> None:
    """The same on a device: taken, in conflict, refused, and sent again."""
    device = Device(registration)
    made = device.op(
        "register", person_id=str(uuid4()),
        data=arrival(batch_reference=flight, manifest_reference=f"{MARK}-1"),
    )  # fmt: skip
    new, known = {"returnee_id": made["person_id"]}, {"returnee_id": person["id"]}
    contact = {"channel": "email", "address": f"{MARK}.3@example.org", "code_word": MARK}
    operations = [
        made,
        device.op("correct", data={"identity": identity()}, **new),
        device.op("give_consent", data=consent(), **new),
        device.op("report_need", data={"category": "health", "sender_reference": mark()}, **new),
        device.op("set_safe_contact", data=contact, **known),
        device.op("register", person_id=str(uuid4()), data=a_returnee(wristband=mark())),
        device.op("correct", data={"identity": {"birth_date": MARK}}, **new),
    ]
    for replayed in (False, True):
        results = await device.send(*operations)
        outcomes = [one["outcome"] for one in results]
        assert outcomes == [*["done"] * 4, "conflict", "refused", "refused"], results
        assert all(one["replayed"] is replayed for one in results[:5])
    assert (await resolve(registration, results[4]["conflict_ids"][0], "told")).status_code == 200


async def refusals(registration: Registration) -> None:
    """What no request can carry, with a mark."""
    for path, body in (
        ("/v1/check-ins", {"items": [{"wristband": mark(), "stage": "welcomed"}]}),
        ("/v1/grants/check", {"grant": mark()}),
        ("/v1/returnees", a_returnee(wristband=mark())),
        ("/v1/wristbands/assign", {"code": mark(), "returnee_id": str(uuid4())}),
        ("/v1/wristbands/take", {"codes": [mark()]}),
        ("/v1/wristbands/void", {"code": mark(), "replacement": mark(), "reason": "lost"}),
        ("/v1/arrival-batches", an_announcement(reception_place=MARK)),
    ):
        answer = await registration.post(path, body)
        assert 400 <= answer.status_code < 500, (path, answer.text)
    asked = await registration.post(f"/v1/incidents/affected?after={mark()}", {}, **OFFICER)
    assert asked.status_code == 422, asked.text


JOURNEYS = (
    for_one_organization, in_an_emergency, of_a_child, called_back, without_papers, in_a_file, with_excluded_people,
)  # fmt: skip


@pytest.mark.timeout(900)
async def test_every_text_of_every_request_is_marked_and_the_marks_are_nowhere_else(registration, caplog, capfd):
    """Seen to fail with words of requests in logs, output, spans, metrics, refusals and events, a reference that is not
    sealed, and a field more."""
    document = (await registration.client.get("/openapi.json")).json()
    marks, births = MarksOfSync(document), Marks(with_free_dates(document), sent=BIRTH_DATE)
    numbers = Marks(document, sent=PHONE)
    with watching(caplog, capfd) as watch:
        registration.client.event_hooks["response"] += [one.look for one in (marks, births, numbers)]
        flight = await announce(registration)
        person = await with_a_line(registration, flight)
        await questions_about(registration, person)
        await merged_and_parted(registration)
        await without_a_line(registration, flight, person)
        for journey in JOURNEYS:
            await journey(registration, mark)
        await refusals(registration)
        await marks.ask_with_marks(registration.client, registration.headers())
        assert marks.missing(ONLY_REFUSED | CLIENTS) == {"in no request": sorted(CLIENTS)}
        assert sorted(births.there("birth_date") - births.taken) == [], "each field holds the marked one"
        assert sorted(numbers.there("address") - numbers.taken) == [], "and each of a number"
        assert await watch.leaks(marks, registration.url, ()) == {}
    assert await columns_that_tell(registration.keys_url) == set()
