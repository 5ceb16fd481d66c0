"""A need of a kind is met only if what was needed happened, and what it yields opens what waited for it."""

from uuid import uuid4

import pytest
import pytest_asyncio

from libs.events.catalogue.registration import ReturneeChanged
from libs.events.codes import ConsentPurpose, RecipientClass
from tests.service.referral import making
from tests.service.referral.kinds import CARD, DOCUMENTS, EMPLOYMENT, TAXONOMY, asked, gives, refine, served
from tests.service.referral.world import World

EMPLOYERS = (ConsentPurpose.EMPLOYER_SHARING, RecipientClass.EMPLOYERS)
JOB = {"category": EMPLOYMENT, "kind": "job_placement"}


@pytest_asyncio.fixture
async def world(new_world):
    async with new_world(taxonomy=TAXONOMY) as one:
        yield one


async def test_who_has_found_out_completes_and_the_need_goes_on_to_its_kind(world: World):
    """Without it, guidance about documents counted as the identity card."""
    guidance = await world.provider(category=DOCUMENTS, kinds=gives("document_guidance"))
    office = await world.provider(category=DOCUMENTS, kinds=gives("identity_document"))
    returnee = await world.person()
    event = making.need(returnee, category=DOCUMENTS)
    await world.hear(event)
    await world.round()
    offer, partner = await world.offer_of(returnee), world.partner(guidance)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=partner)
    await world.step(f"referrals/{offer['referral_id']}/start", headers=partner)
    await refine(world, event, kind="identity_document")
    assert (await world.referral_of(returnee))["halted_since"] is None, "who finds out is not stopped by it"
    done = await world.step(f"referrals/{offer['referral_id']}/complete", {"outcome": "need_met"}, headers=partner)
    assert done.status_code == 200, done.text
    assert (await world.need_of(returnee))["status"] == "open"
    await world.round()
    assert await asked(world, returnee) == office.service_id
    assert await world.promises() == {}


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"outcome": "need_met"}, "/facts/document_issued", "required-by-kind"),
        ({"outcome": "need_met", "facts": {"document_issued": False}}, "/outcome", "facts-contradict"),
        ({"outcome": "need_met", "facts": {"document_issued": 1}}, "/facts/document_issued", "fact-form"),
        ({"outcome": "need_met", "facts": {"document_issued": "yes"}}, "/facts/document_issued", "fact-form"),
        ({"outcome": "need_met", "facts": {"document_issued": True, "nights_stayed": 1}}, "/facts/nights_stayed",
         "not-of-kind"),
        ({"outcome": "need_met", "given_kind": "passport", "facts": {"document_issued": True}}, "/outcome",
         "something-else-given"),
        ({"outcome": "something_else_given", "given_kind": "pasport"}, "/given_kind", "unknown-kind"),
        ({"outcome": "something_else_given", "given_kind": "prosthesis"}, "/given_kind", "kind-of-another-category"),
    ],
)  # fmt: skip
async def test_a_need_is_met_only_if_what_was_needed_happened(world: World, body, pointer, rule):
    office = await world.provider(category=DOCUMENTS, kinds=gives("identity_document"))
    returnee = await world.person(CARD, documents_held=["birth_certificate"])
    await world.round()
    answer = await served(world, office, returnee, **body)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["rule"]) == (422, pointer, rule)
    row = await world.row("SELECT status, outcome_facts FROM referral")
    assert (row["status"], row["outcome_facts"]) == ("in_service", None)
    assert await world.published("referral.completed.v1") == []


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "need_partly_met", "facts": {"document_issued": False}},
        {"outcome": "something_else_given"},
        {"outcome": "something_else_given", "given_kind": "birth_certificate", "facts": {"document_issued": True}},
    ],
)
async def test_what_was_not_given_leaves_the_need_open_with_a_desk(world: World, body):
    office = await world.provider(category=DOCUMENTS, kinds=gives("identity_document"))
    returnee = await world.person(CARD, documents_held=["birth_certificate"])
    await world.round()
    assert (await served(world, office, returnee, **body)).status_code == 200
    need = await world.need_of(returnee)
    assert (need["status"], need["owner_reason"]) == ("open", "outcome_incomplete")
    (told,) = await world.published("referral.completed.v1")
    otherwise = None if body["outcome"] == "something_else_given" else "identity_document"
    assert told["given_kind"] == body.get("given_kind", otherwise)
    assert [one["fact"] for one in told["facts"]] == list(body.get("facts", {}))


async def test_the_card_that_was_issued_unlocks_the_job_by_itself(world: World):
    office = await world.provider(category=DOCUMENTS, kinds=gives("identity_document"))
    employer = await world.provider(category=EMPLOYMENT, kinds=gives("job_placement"))
    returnee = uuid4()
    profile = making.registered(returnee, documents_held=["birth_certificate"])
    allowed = making.allowing(returnee, making.REFERRAL, EMPLOYERS)
    await world.hear(profile, allowed, making.need(returnee, **CARD), making.need(returnee, **JOB))
    await world.round()
    job = await world.row("SELECT status, blocked_by FROM referral WHERE category = 'employment'")
    card = await world.row("SELECT need_id FROM need WHERE category = 'documents'")
    assert (job["status"], job["blocked_by"]) == ("blocked", card["need_id"])
    answer = await served(world, office, returnee, outcome="need_met", facts={"document_issued": True})
    assert answer.status_code == 200, answer.text
    await world.round()
    job = await world.row("SELECT owner FROM need WHERE kind = 'job_placement'")
    assert job["owner"] is None, "the profile with the card is on its way"
    changed = profile.model_dump() | {"version": 2, "documents_held": ["birth_certificate", "identity_card"]}
    await world.hear(ReturneeChanged.model_validate(changed))
    await world.round()
    rows = await world.rows("SELECT provider_service_id FROM offer WHERE status = 'pending'")
    assert [row["provider_service_id"] for row in rows] == [employer.service_id]
    assert await world.promises() == {}
