"""Told once: who may learn an answer gets it, who may not is told not to ask, and repeated questions are counted."""

from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.referral import ReferralCancelled
from tests.service.registration.answering import CALM, CLERK, DESK, judge, save
from tests.service.registration.conftest import a_consent
from tests.service.registration.test_packets import accepted, facts

STEWARD = {"client_id": "steward", "scopes": "progress:read", "reception_places": [], "staff": True}
HEALTH = {"daily_medicine": "yes", "medicine_lasts": "none", "which_medicine": "Insulina", "sleep_and_worry": "much"}


async def an_offer(registration, **changes):
    """A person who has answered, and an accepted offer for them."""
    person = await registration.register(consents=[a_consent()])
    await save(registration, person, "vulnerability", **HEALTH)
    await save(registration, person, "protection_indicators", **CALM)
    known = facts(person, **changes)
    await registration.hear(accepted(known))
    return person, known


async def ask(registration, known, question, instrument="vulnerability", **claims):
    whose = {"scopes": "packets:read", "client_id": "a-provider", "organization_id": known["organization_id"]}
    body = {"instrument": instrument, "question": question}
    return await registration.post(f"/v1/packets/{known['offer_id']}/answers/check", body, **(whose | claims))


async def times(registration, known):
    found = "SELECT question, times FROM asked_again WHERE organization_id = $1"
    return {row["question"]: row["times"] for row in await registration.fetch(found, known["organization_id"])}


async def test_an_organisation_learns_what_its_type_of_service_is_shown(registration):
    _, known = await an_offer(registration)
    answer = await ask(registration, known, "which_medicine")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["answered"], told["value"], told["instrument_version"]) == (True, "Insulina", 1)


async def test_a_question_that_nobody_asked_may_be_asked_and_is_not_counted(registration):
    _, known = await an_offer(registration)
    answer = await ask(registration, known, "expecting")
    assert (answer.status_code, answer.json()["answered"], answer.json()["value"]) == (200, False, None)
    assert await times(registration, known) == {}


@pytest.mark.parametrize(
    ("question", "instrument", "category"),
    [
        ("sleep_and_worry", "vulnerability", "health"),
        ("which_medicine", "vulnerability", "legal"),
        ("own_papers_held", "protection_indicators", "health"),
        ("own_papers_held", "protection_indicators", "legal"),
    ],
)
async def test_a_sealed_answer_or_another_slice_is_refused_without_content(
    registration, question, instrument, category
):
    _, known = await an_offer(registration, category=category)
    answer = await ask(registration, known, question, instrument)
    assert (answer.status_code, answer.json()["code"]) == (409, "already-answered")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Already answered; ask the desk"
    assert "Insulina" not in answer.text
    assert "much" not in answer.text


async def test_an_organisation_does_not_learn_whether_anybody_asked_for_soft_indicators(registration):
    person = await registration.register(consents=[a_consent()])
    known = facts(person)
    await registration.hear(accepted(known))
    before = await ask(registration, known, "own_papers_held", "protection_indicators")
    await save(registration, person, "protection_indicators", **CALM)
    after = await ask(registration, known, "own_papers_held", "protection_indicators")
    assert [one.status_code for one in (before, after)] == [409, 409]
    same = [{name: value for name, value in one.json().items() if name != "trace_id"} for one in (before, after)]
    assert same[0] == same[1]


async def test_no_right_of_an_organisation_opens_a_sealed_answer(registration):
    _, known = await an_offer(registration)
    answer = await ask(registration, known, "sleep_and_worry", scopes="packets:read restricted:read")
    assert answer.status_code == 409


async def test_other_organisations_and_no_scope_learn_nothing(registration):
    _, known = await an_offer(registration)
    other = await ask(registration, known, "which_medicine", organization_id=uuid4())
    scope = await ask(registration, known, "which_medicine", scopes="offers:read")
    staff = await ask(registration, known, "which_medicine", organization_id=None, staff=True)
    assert [one.status_code for one in (other, scope, staff)] == [404, 403, 403]
    assert await times(registration, known) == {}


async def test_without_consent_or_after_the_end_the_packet_and_the_answers_are_closed(registration):
    person, known = await an_offer(registration)
    consents = (await registration.get(f"/v1/returnees/{person['id']}/consents")).json()
    await registration.post(f"/v1/returnees/{person['id']}/consents/{consents[0]['id']}/withdraw")
    refused = await ask(registration, known, "which_medicine")
    assert (refused.status_code, refused.json()["code"]) == (403, "consent-missing")
    _, over = await an_offer(registration)
    await registration.hear(
        ReferralCancelled(
            **{name: over[name] for name in ("returnee_id", "case_code", "need_id", "referral_id", "category", "at")},
            reason="duplicate",
        )
    )
    closed = await ask(registration, over, "which_medicine")
    assert (closed.status_code, closed.json()["code"]) == (410, "packet-closed")


async def test_reception_learns_answers_and_is_told_to_ask_the_desk_for_private_ones(registration):
    person, _ = await an_offer(registration)
    check = f"/v1/returnees/{person['id']}/answers/check"
    body = {"instrument": "vulnerability", "question": "which_medicine"}
    assert (await registration.post(check, body, **CLERK)).json()["value"] == "Insulina"
    private = {"instrument": "vulnerability", "question": "sleep_and_worry"}
    clerk, desk = [await registration.post(check, private, **who) for who in (CLERK, DESK)]
    assert (clerk.status_code, clerk.json()["code"], "much" in clerk.text) == (409, "already-answered", False)
    assert (desk.status_code, desk.json()["value"]) == (200, "much")


@pytest.mark.parametrize("body", [{"instrument": "vulnerability", "question": "shoe_size"},
                                  {"instrument": "nothing", "question": "which_medicine"},
                                  {"instrument": "vulnerability"}, {}])  # fmt: skip
async def test_a_question_that_does_not_exist_is_a_422(registration, body):
    person, known = await an_offer(registration)
    answers = [
        await registration.post(f"/v1/returnees/{person['id']}/answers/check", body, **CLERK),
        await registration.post(
            f"/v1/packets/{known['offer_id']}/answers/check",
            body,
            scopes="packets:read",
            client_id="a-provider",
            organization_id=known["organization_id"],
        ),
    ]
    assert [one.status_code for one in answers] == [422, 422]


async def test_who_asks_again_is_counted_by_organisation_and_question_without_a_person(registration):
    person, known = await an_offer(registration)
    for question in ("which_medicine", "which_medicine", "sleep_and_worry", "expecting"):
        await ask(registration, known, question)
    assert await times(registration, known) == {"which_medicine": 2, "sleep_and_worry": 1}, "also what was refused"
    page = "/v1/asked-again?limit=200"
    rows = []
    while page:
        answer = await registration.get(page, **STEWARD)
        assert answer.status_code == 200, answer.text
        rows += answer.json()["items"]
        page = answer.json()["next"] and f"/v1/asked-again?limit=200&after={answer.json()['next']}"
    mine = [row for row in rows if row["organization_id"] == str(known["organization_id"])]
    assert [(row["question"], row["times"]) for row in mine] == [("sleep_and_worry", 1), ("which_medicine", 2)]
    assert person["id"] not in str(rows)
    assert (await registration.get("/v1/asked-again", **CLERK)).status_code == 403


async def test_each_check_is_recorded_with_its_offer(registration):
    person, known = await an_offer(registration)
    await ask(registration, known, "which_medicine")
    await ask(registration, known, "sleep_and_worry")
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log", **CLERK)).json()["items"]
    told = [(one["fields"], UUID(one["offer_id"])) for one in log if one["action"] == "answer.check"]
    assert told == [
        (["vulnerability.sleep_and_worry"], known["offer_id"]),
        (["vulnerability.which_medicine"], known["offer_id"]),
    ]
    await judge(registration)
