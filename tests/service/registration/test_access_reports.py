"""The report to a person: what is known, who looked, to whom it went, which authorities asked (domain P25)."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.registration.access_reports.words import CODES, HEADINGS
from tests.service.registration.answering import save
from tests.service.registration.conftest import LANDED_AT, a_consent
from tests.service.registration.matching import merge, twice
from tests.service.registration.test_legal_requests import REFUSED, answered, recorded
from tests.service.registration.test_packets import accepted, facts, fetch

CLERK = {"scopes": "access-reports:read", "client_id": "clerk", "reception_places": ["GT01"], "staff": False}
OFFICER = {"scopes": "access-reports:read restricted:read", "client_id": "officer"}
NASTY = "<script>alert(1)</script>"
IDENTITY = {
    "given_names": "Muestra Informe", "family_names": "Ejemplo & Hijas", "birth_date": "1990-05-17",
    "document_number": "2987654320101",
}  # fmt: skip


async def report(registration, person, *, proof="document_seen", page="", **claims):
    answer = await registration.get(
        f"/v1/returnees/{person['id']}/access-report{page}?proof={proof}", **(CLERK | claims)
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer if page else answer.json()


async def known(registration, **changes):
    return await registration.register(
        identity=IDENTITY,
        needs=[{"category": "shelter"}, {"category": "gbv"}],
        consents=[a_consent(data_described=f"My name {NASTY}")],
        safe_contact={"channel": "sms", "address": "+50251234567"},
        **changes,
    )


async def fetched(registration, person):
    """An organisation accepts an offer and reads the packet."""
    offer = facts(person)
    await registration.hear(accepted(offer))
    answer = await fetch(registration, offer)
    assert answer.status_code == 200, answer.text
    return str(offer["organization_id"])


async def test_the_report_tells_what_is_known_who_looked_and_to_whom_it_went(registration):
    person = await known(registration)
    organization = await fetched(registration, person)
    await registration.get(f"/v1/returnees/{person['id']}", client_id="curious")
    told = await report(registration, person)
    (record,) = told["records"]
    assert record["person"]["identity"] == IDENTITY
    assert record["safe_contact"]["address"] == "+50251234567"
    assert "shelter" in {one["category"] for one in record["needs"]}
    assert record["consents"][0]["standing"]
    (recipient,) = told["recipients"]
    assert (recipient["organization_id"], recipient["deletion_answer"]) == (organization, None)
    assert recipient["fetched_at"] is not None
    looks = [(one["client_id"], one["action"]) for one in told["accesses"]]
    assert {("curious", "returnee.read"), ("a-provider", "packet.read")} <= set(looks)
    assert told["proof"] == "document_seen"


async def test_the_report_is_recorded_with_the_proof_and_the_next_one_shows_it(registration):
    person = await known(registration)
    await report(registration, person, proof="vouched_for")
    (entry, *_) = (await report(registration, person))["accesses"]
    assert (entry["action"], entry["client_id"], entry["purpose"]) == (
        "access_report.make", "clerk", "request_of_person",
    )  # fmt: skip
    assert "proof.vouched_for" in entry["fields"]


async def test_restricted_needs_are_in_the_report_of_the_officer_and_nowhere_in_that_of_a_clerk(registration):
    person = await known(registration)
    clerks, officers = await report(registration, person), await report(registration, person, **OFFICER)
    page = (await report(registration, person, page="/page")).text
    assert (clerks["complete"], officers["complete"]) == (False, True)
    assert {"gbv"} <= {one["category"] for one in officers["records"][0]["needs"]}
    for text in (str(clerks), page):
        assert "gbv" not in text
        assert "restricted" not in text


async def test_a_request_of_an_authority_is_told_only_once_the_person_may_know(registration):
    person = await known(registration)
    await recorded(registration, person)
    due = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    deferred = {"status": "deferred", "reason": "danger_to_others", "due_at": due}
    second = await recorded(registration, person, authority="prosecutor")
    await answered(registration, second, REFUSED | {"notice": deferred})
    for claims in (CLERK, OFFICER):
        told = await report(registration, person, **claims)
        assert told["legal_requests"] == []
        assert "legal_request" not in str(told["accesses"]).replace("legal_requests", "")
    third = await recorded(registration, person, authority="court")
    assert (await answered(registration, third, REFUSED)).status_code == 200
    (only,) = (await report(registration, person, **OFFICER))["legal_requests"]
    assert (only["authority"], only["answer"]) == ("court", "refused")
    passed = "UPDATE legal_request SET notice_due_at = now() - interval '1 day' WHERE id = $1"
    await registration.fetch(passed, UUID(second["id"]))
    found = (await report(registration, person, **OFFICER))["legal_requests"]
    assert [one["authority"] for one in found] == ["prosecutor", "court"]


async def test_before_its_answer_the_report_is_silent_about_a_request(registration):
    person = await known(registration)
    await recorded(registration, person)
    told = await report(registration, person, **OFFICER)
    assert told["legal_requests"] == []
    assert "legal_request" not in str(told["accesses"])


@pytest.mark.parametrize(("language", "title"), [("es", "Informe sobre sus datos"), ("en", "Report about your data")])
async def test_the_page_is_in_plain_words_escaped_and_runs_nothing(registration, language, title):
    person = await known(registration)
    await fetched(registration, person)
    answer = await report(registration, person, page="/page", proof=f"document_seen&language={language}")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    text = answer.text
    assert f"<title>{title}</title>" in text
    assert "Ejemplo &amp; Hijas" in text
    assert NASTY not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"<script|\son\w+=|href=|src=", text)
    words = re.sub(r"<style>.*?</style>|<[^>]*>", " ", text)
    assert not re.findall(r"\b(?:request_of_person|given_names|network_staff|registration_services)\b", words)


def test_every_word_is_there_in_both_languages():
    assert all(len(pair) == 2 and all(pair) for pair in (HEADINGS | CODES).values())


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 422), ("?proof=he_said_so", 422), ("?proof=document_seen&language=fr", 422)],
)
async def test_without_a_proof_that_is_a_code_there_is_no_report(registration, query, status):
    person = await registration.register()
    answer = await registration.get(f"/v1/returnees/{person['id']}/access-report{query}", **CLERK)
    assert answer.status_code == status, answer.text
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log")).json()["items"]
    assert "access_report.make" not in [one["action"] for one in log]


async def test_who_does_not_see_the_person_and_who_has_not_the_scope_get_nothing(registration):
    person = await registration.register()
    path = f"/v1/returnees/{person['id']}/access-report?proof=document_seen"
    for claims, status in (
        ({"reception_places": ["GT12"]}, 404),
        ({"scopes": "returnees:read access-log:read"}, 403),
        ({"organization_id": str(uuid4()), "reception_places": []}, 403),
    ):
        assert (await registration.get(path, **(CLERK | claims))).status_code == status
    assert (await registration.post(f"/v1/returnees/{person['id']}/erasure")).status_code == 200
    assert (await registration.get(path, **CLERK)).status_code == 410


async def test_the_answers_of_the_person_are_in_it_with_their_questions(registration):
    person = await registration.register()
    assert (await save(registration, person, way_home="yes")).status_code == 200
    (record,) = (await report(registration, person))["records"]
    (part,) = record["answers"]
    assert (part["instrument"], part["answers"][0]["value"]) == ("triage", "yes")
    assert part["questions"]["way_home"]
    page = await report(registration, person, page="/page", proof="document_seen&language=en")
    assert part["questions"]["way_home"] not in page.text, "the question is in the language of the page"


async def test_merged_records_are_one_report(registration):
    first, second, match = await twice(registration)
    assert (await merge(registration, match, second["id"])).status_code == 200
    told = await report(registration, second, **OFFICER)
    assert {one["person"]["id"] for one in told["records"]} == {first["id"], second["id"]}
    assert LANDED_AT.isoformat()[:10] in str(told)


async def test_the_report_tells_until_when_the_data_are_kept_longer_and_why(registration):
    person = await registration.register()
    path, officer = f"/v1/returnees/{person['id']}/retention-extensions", {"scopes": "retention:write"}
    made = await registration.post(path, {"reason": "family_tracing", "days": 365}, **officer)
    told = await report(registration, person)
    assert told["extensions"] == [
        {"decided_at": made.json()["recorded_at"], "reason": "family_tracing", "until": made.json()["until"]}
    ]
    page = await report(registration, person, page="/page", proof="document_seen&language=en")
    assert "search for the family" in page.text
