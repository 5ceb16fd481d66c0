"""A screening is opened once, by a person with a certificate that is valid at that moment; all others learn nothing."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.registration.needs.restricted import restricted_role
from services.registration.screening.rules import SEALED_BYTES
from tests.service.registration.conftest import a_returnee
from tests.service.registration.screening import CALM, KIND, TROUBLED, Screener, certified, path
from tests.service.registration.test_restricted import alike

REFUSED = (403, "certificate-missing")
YESTERDAY, TOMORROW = (date.today() + timedelta(days=days) for days in (-2, 2))  # noqa: DTZ011 (two days: any zone)


def told(answer):
    return answer.status_code, answer.json().get("code")


async def screened(registration, screener, how, answers):
    person = await registration.register()
    assert (await screener.open(person)).status_code == 201
    assert (await screener.save(person, answers)).status_code == 200
    assert (await screener.end(person, how)).status_code == 200
    return person


async def stored(registration):
    async with registration.database.transaction() as session, restricted_role(session) as connection:
        return await connection.fetch("SELECT id, owner, sealed FROM restricted_screening ORDER BY id")


async def test_a_certified_person_opens_saves_and_completes_a_screening_and_a_finding_is_a_restricted_need(
    registration,
):
    screener, person = await certified(registration), await registration.register()
    opened = await screener.open(person)
    assert (opened.status_code, opened.headers["etag"], opened.headers["cache-control"]) == (201, '"1"', "no-store")
    assert (opened.json()["status"], opened.json()["next"]["id"]) == ("open", "could_leave")
    assert opened.json()["instrument"]["language"] == "es"
    saved = await screener.save(person, {"could_leave": "no"}, etag='"1"')
    assert saved.json()["answers"] == [{"question": "could_leave", "value": "no"}]
    assert (await screener.save(person, {"pay": "own"}, etag='"1"')).status_code == 412, "somebody was faster"
    await screener.save(person, TROUBLED)
    ended = await screener.end(person, "complete")
    assert (ended.json()["status"], ended.json()["next"]) == ("completed", None)
    (event,) = await registration.events("need.reported.v1", key=person["id"])
    assert (event["category"], event["urgency"]) == ("anti_trafficking", "urgent")
    reading = await registration.get(f"/v1/returnees/{person['id']}/needs", **screener.whole)
    (need,) = reading.json()["items"]
    assert need["origins"][0]["instrument"] == KIND
    ordinary = await registration.get(f"/v1/returnees/{person['id']}/needs")
    assert ordinary.json()["items"] == []
    for act in (screener.save(person, CALM), screener.end(person, "stop"), screener.end(person, "complete")):
        assert told(await act) == (409, "screening-ended")
    answers = {one["question"]: one["value"] for one in (await screener.read(person)).json()["answers"]}
    assert answers["papers_kept_by_others"] == "yes"


async def lapsed(screener):
    await screener.certify(valid_until=YESTERDAY)


async def not_yet(screener):
    await screener.certify(valid_from=TOMORROW)


async def of_another_kind(screener):
    await screener.certify(kind="first_aid")


async def of_another_person(screener):
    await screener.certify(holder="somebody-else")


async def of_another_organisation(screener):
    await screener.certify(organization_id=uuid4())


async def revoked(screener):
    await screener.certify(revoked_at=datetime.now(UTC))


async def none(screener):
    pass


@pytest.mark.parametrize(
    "certificate", [none, lapsed, not_yet, of_another_kind, of_another_person, of_another_organisation, revoked]
)
async def test_without_a_certificate_that_is_valid_now_nothing_opens_and_no_refusal_tells_of_a_screening(
    registration, certificate
):
    """Taken out: `is_certified` in `_held`; each condition of `_VALID`; the comparison of digests."""
    colleague = await certified(registration)
    screened_one = await screened(registration, colleague, "complete", CALM)
    screener = Screener(registration)
    await certificate(screener)
    before = await stored(registration)
    answers = [await screener.acts(person) for person in (screened_one, await registration.register())]
    for act, answer in answers[0].items():
        assert told(answer) == REFUSED, act
        assert alike(answer) == alike(answers[1][act]), act
    assert await stored(registration) == before


async def test_a_program_opens_no_screening_whoever_has_certified_it(registration):
    """Taken out: `actor.person` in `is_certified`."""
    program = Screener(registration, subject="screening-system", claims={"client_id": "screening-system"})
    await program.certify()
    assert told(await program.open(await registration.register())) == REFUSED


@pytest.mark.parametrize(
    ("scopes", "refused"),
    [
        ("returnees:read screening:read restricted:read", "insufficient-scope"),
        ("returnees:read screening:write screening:read", "certificate-missing"),
    ],
)
async def test_a_certificate_without_the_scopes_opens_nothing(registration, scopes, refused):
    """Taken out: `hidden` in `_held` (a certificate without `restricted:read` opened the screening)."""
    screener, person = await certified(registration), await registration.register()
    screener.claims["scopes"] = scopes
    assert told(await screener.open(person)) == (403, refused)
    assert told(await screener.end(person, "stop")) == (403, refused)


async def test_an_organisation_screens_its_own_people_only(registration):
    mine = {"organization_id": uuid4(), "reception_places": ["GT"], "staff": False}
    screener = await certified(registration, **mine)
    own = await registration.post("/v1/returnees", a_returnee(), **mine)
    assert (await screener.open(own.json())).status_code == 201
    assert told(await screener.open(await registration.register())) == REFUSED, "a person of the network"
    other = await certified(registration, **(mine | {"organization_id": uuid4()}))
    assert (await other.open(own.json())).status_code == 404


async def test_a_certificate_is_checked_at_each_act_and_a_revocation_stops_an_open_screening(registration):
    screener, person = Screener(registration), await registration.register()
    certificate = await screener.certify()
    assert (await screener.open(person)).status_code == 201
    gone = certificate.model_copy(update={"version": 2, "revoked_at": datetime.now(UTC)})
    await registration.hear(gone, source="urn:enlace:provider-directory")
    await registration.hear(certificate, source="urn:enlace:provider-directory")  # late, and older
    for act, answer in (await screener.acts(person)).items():
        assert told(answer) == REFUSED, act
    colleague = await certified(registration)
    assert told(await colleague.save(person, CALM)) == (409, "screening-of-another")
    assert (await colleague.end(person, "stop")).json()["status"] == "stopped", "a colleague can end it"


async def test_the_copy_of_certificates_is_built_again_from_the_topic_with_that_of_organisations(registration):
    """Taken out: `CertificatePublished` in the read model (no model of the topic could be built again)."""
    screener, person = Screener(registration), await registration.register()
    certificate = await screener.certify()
    model = registration.subscriptions.read_model(certificate.topic)
    async with registration.database.transaction() as session:
        await model.empty(session)
    assert told(await screener.open(person)) == REFUSED
    await registration.hear(certificate, source="urn:enlace:provider-directory")
    assert (await screener.open(person)).status_code == 201


async def test_a_person_is_screened_once_and_after_a_stop_again_only_if_the_person_asks(registration):
    """Taken out: `may_begin` in `open_screening`."""
    screener = await certified(registration)
    completed = await screened(registration, screener, "complete", CALM)
    for asked in (False, True):
        assert told(await screener.open(completed, asked_by_person=asked)) == (409, "screening-exists")
    stopped = await screened(registration, screener, "stop", CALM)
    assert told(await screener.open(stopped)) == (409, "screening-exists")
    again = await (await certified(registration)).open(stopped, asked_by_person=True)
    assert (again.status_code, again.json()["answers"], again.json()["version"]) == (201, [], 4)
    assert told(await screener.open(stopped, asked_by_person=True)) == (409, "screening-exists"), "it is open"


async def test_two_who_open_a_screening_at_once_open_one(registration):
    first, second = await certified(registration), await certified(registration)
    person = await registration.register()
    codes = {(await one.open(person)).status_code for one in (first, second)}
    assert codes == {201, 409}


async def test_the_same_request_again_opens_one_screening(registration):
    screener, person = await certified(registration), await registration.register()
    headers = registration.headers(**screener.whole)
    answers = [await registration.client.post(path(person), json={}, headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_reception_sees_neither_the_instrument_nor_its_answers(registration):
    """Taken out: `split` in `load_pack`."""
    person = await registration.register()
    listed = (await registration.get("/v1/instruments")).json()["items"]
    assert KIND not in {one["instrument"] for one in listed}
    for address in (f"/v1/instruments/{KIND}", f"/v1/returnees/{person['id']}/answers/{KIND}"):
        assert (await registration.get(address)).status_code == 404
        assert (await registration.get(address, scopes="returnees:read restricted:read")).status_code == 404


@pytest.mark.parametrize(
    ("answers", "pointer", "rule"),
    [
        ({"surprise": "yes"}, "/answers/0/question", "unknown-question"),
        ({"could_leave": "maybe"}, "/answers/0/value", "unknown-answer"),
        ({"threats": "nobody"}, "/answers/0/value", "answer-form"),
        ({"pay": ["own"]}, "/answers/0/value", "answer-form"),
    ],
)
async def test_a_faulty_answer_is_refused_and_nothing_is_stored(registration, answers, pointer, rule):
    screener, person = await certified(registration), await registration.register()
    await screener.open(person)
    before = await stored(registration)
    answer = await screener.save(person, answers)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["rule"]) == (422, pointer, rule)
    assert await stored(registration) == before
    wrong = await registration.post(f"{path(person)}/end", {"how": "stop", "reason": "tired"}, **screener.whole)
    assert wrong.json()["errors"][0]["pointer"] == "/reason", "no reason can be told"


async def test_an_erased_person_leaves_no_screening(registration):
    """Taken out: `forget_screening` in the erasure."""
    screener, before = await certified(registration), len(await stored(registration))
    person = await screened(registration, screener, "complete", TROUBLED)
    assert len(await stored(registration)) == before + 1
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    assert len(await stored(registration)) == before


async def test_every_screening_is_sealed_with_one_length_under_the_restricted_key(registration):
    """Taken out: the padding in `_save` (a stopped screening was shorter than a completed one)."""
    screener = await certified(registration)
    people = [await screened(registration, screener, how, TROUBLED) for how in ("stop", "complete")]
    rows = await stored(registration)
    assert len({len(row["sealed"]) for row in rows}) == 1
    assert all(len(row["sealed"]) > SEALED_BYTES for row in rows)
    text = json.dumps([[str(value) for value in row.values()] for row in rows])
    for person in people:
        assert person["id"] not in text
        assert {registration.vault.owner_of(UUID(person["id"]))} <= {row["owner"] for row in rows}
