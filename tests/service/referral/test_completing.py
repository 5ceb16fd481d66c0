"""A completion states the facts of its service type: yes, no or a count, and never the number of a document."""

import pytest

from tests.service.referral.world import World

FACTS = {
    "identity_card": ["document_issued"],
    "temporary_shelter": ["nights_stayed"],
    "baking_course": ["certificate_awarded"],
}
CATEGORIES = {
    "identity_card": "documents",
    "temporary_shelter": "shelter",
    "baking_course": "training",
}


async def in_service(world: World, service_type: str):
    """A referral whose service has begun, with its provider's headers and its person."""
    category = CATEGORIES[service_type]
    provider = await world.provider(category=category, service_type=service_type)
    returnee = await world.person({"category": category})
    await world.round()
    offer = await world.offer_of(returnee)
    partner = world.partner(provider)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=partner)
    await world.step(f"referrals/{offer['referral_id']}/start", headers=partner)
    return f"referrals/{offer['referral_id']}", partner, returnee


@pytest.mark.parametrize(
    ("service_type", "facts"),
    [
        ("identity_card", {"document_issued": True}),
        ("temporary_shelter", {"nights_stayed": 2}),
        ("baking_course", {"certificate_awarded": False}),
    ],
)
async def test_the_facts_of_a_service_type_are_kept_and_shown(new_world, service_type, facts):
    async with new_world(completion_facts=FACTS) as world:
        path, partner, returnee = await in_service(world, service_type)
        wanted = (await world.ask("referrals/completion-facts", headers=partner))["completion_facts"]
        assert wanted[(await world.ask(path, headers=partner))["service_type"]] == list(facts)
        body = {"outcome": "need_met", "facts": facts}
        answer = await world.step(f"{path}/complete", body, headers=partner)
        assert (answer.status_code, answer.json()["outcome_facts"]) == (200, facts)
        (referral,) = (await world.ask(f"returnees/{returnee}/journey"))["referrals"]
        assert referral["outcome_facts"] == facts
        assert (await world.need_of(returnee))["status"] == "met"


@pytest.mark.parametrize(
    ("service_type", "body", "pointer", "rule"),
    [
        ("identity_card", {"outcome": "need_met"}, "/facts/document_issued", "required-by-service-type"),
        (
            "identity_card",
            {"outcome": "need_met", "facts": {"document_issued": False}},
            "/outcome",
            "document-not-issued",
        ),
        ("identity_card", {"outcome": "need_met", "facts": {"document_issued": "2547 88190 0101"}}, None, None),
        ("identity_card", {"outcome": "need_met", "facts": {"document_issued": 1}}, None, None),
        ("identity_card", {"outcome": "need_met", "facts": {"document_issued": None}}, None, None),
        (
            "identity_card",
            {"outcome": "need_met", "facts": {"document_issued": True, "document_number": "2547"}},
            "/facts/document_number",
            None,
        ),
        (
            "baking_course",
            {"outcome": "need_met", "facts": {"certificate_awarded": True, "nights_stayed": 1}},
            "/facts/nights_stayed",
            "not-of-service-type",
        ),
        ("temporary_shelter", {"outcome": "need_met", "facts": {"nights_stayed": 367}}, "/facts/nights_stayed", None),
        ("temporary_shelter", {"outcome": "need_met", "facts": {"nights_stayed": -1}}, "/facts/nights_stayed", None),
        ("temporary_shelter", {"outcome": "need_met", "facts": {"nights_stayed": "2"}}, "/facts/nights_stayed", None),
        ("temporary_shelter", {"outcome": "need_met", "facts": {"nights_stayed": True}}, "/facts/nights_stayed", None),
        ("temporary_shelter", {"outcome": "need_met", "facts": [], "x": 1}, "/facts", None),
    ],
)
async def test_facts_that_do_not_fit_are_named_and_nothing_is_completed(new_world, service_type, body, pointer, rule):
    """Without `completion_faults`, strict types or the closed body each of these is a 200."""
    async with new_world(completion_facts=FACTS) as world:
        path, partner, _ = await in_service(world, service_type)
        answer = await world.step(f"{path}/complete", body, headers=partner)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "invalid-input")
        error = problem["errors"][0]
        assert error["pointer"] == (pointer or "/facts/document_issued")
        assert rule is None or error["rule"] == rule
        assert "2547" not in answer.text
        row = await world.row("SELECT status, outcome_facts FROM referral")
        assert (row["status"], row["outcome_facts"]) == ("in_service", None)


async def test_a_document_that_was_not_issued_leaves_the_need_with_a_desk(new_world):
    async with new_world(completion_facts=FACTS) as world:
        path, partner, returnee = await in_service(world, "identity_card")
        body = {"outcome": "need_partly_met", "facts": {"document_issued": False}}
        assert (await world.step(f"{path}/complete", body, headers=partner)).status_code == 200
        need = await world.need_of(returnee)
        assert (need["status"], need["owner_reason"]) == ("open", "outcome_incomplete")
        assert await world.promises() == {}
