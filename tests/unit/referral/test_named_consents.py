"""A consent that names an organisation allows an offer to it and to no other."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from libs.consents.policy import consent_key, organization_key
from libs.events.codes import ConsentPurpose, RecipientClass
from services.referral.candidates.choice import Market
from services.referral.candidates.reasons import Exclusion
from services.referral.consequences.halts import reason_of
from services.referral.journeys.facts import Journey
from services.referral.router.together import merged
from services.referral.steps.people import allowed_by
from tests.unit.referral.making_facts import NOW, a_need, a_policy, a_service

GATED = a_policy(categories={"training": {"basic": False}})
GATE = GATED.consents.by_category["training"]
UNTIL = "2026-09-01T00:00:00+00:00"
PROVIDERS = {consent_key(ConsentPurpose.REFERRAL, RecipientClass.PROVIDERS): UNTIL}
ONE, OTHER = uuid4(), uuid4()


def naming(*organizations, until=UNTIL, purpose=ConsentPurpose.REFERRAL):
    return {organization_key(purpose, one): until for one in organizations}


def a_journey(consents):
    return Journey(uuid4(), consents=consents)


def test_the_named_organisation_is_asked_and_no_other_and_the_explanation_says_why():
    course, elsewhere = a_service(category="training"), a_service(category="training")
    named = frozenset({course.view.organization_id})
    found = Market([course, elsewhere], GATED, NOW).choose(a_need(category="training", consented_organizations=named))
    assert [one.service for one in found.ranked] == [course]
    assert found.excluded[elsewhere.view.provider_service_id] == [Exclusion.CONSENT_NAMES_ANOTHER]
    nobody = Market([course], GATED, NOW).choose(a_need(category="training"))
    assert nobody.excluded[course.view.provider_service_id] == [Exclusion.NO_CONSENT]


def test_a_named_consent_narrows_neither_a_consent_for_the_class_nor_a_basic_category():
    services = [a_service(category="training"), a_service(category="training")]
    need = a_need(category="training", consented=True, consented_organizations=frozenset({ONE}))
    assert len(Market(services, GATED, NOW).choose(need).ranked) == 2
    basic = replace(need, consented=False)
    assert len(Market(services, a_policy(), NOW).choose(basic).ranked) == 2


@pytest.mark.parametrize(
    ("of_each", "all_allow", "organizations"),
    [
        ([PROVIDERS], True, set()),
        ([naming(ONE)], False, {ONE}),
        ([naming(ONE, OTHER)], False, {ONE, OTHER}),
        ([naming(ONE) | PROVIDERS], True, set()),
        ([naming(ONE, until="2026-01-01T00:00:00+00:00")], False, set()),
        ([naming(ONE, purpose=ConsentPurpose.EMPLOYER_SHARING)], False, set()),
        ([{}], False, set()),
        ([PROVIDERS, naming(ONE)], False, {ONE}),
        ([naming(ONE, OTHER), naming(OTHER)], False, {OTHER}),
        ([naming(ONE), naming(OTHER)], False, set()),
        ([naming(ONE), {}], False, set()),
        ([PROVIDERS, PROVIDERS], True, set()),
    ],
)
def test_everybody_of_the_need_must_allow_the_organisation(of_each, all_allow, organizations):
    assert allowed_by(map(a_journey, of_each), GATE, at=NOW) == (all_allow, organizations)
    needs = []
    for one in of_each:
        consented, named = allowed_by([a_journey(one)], GATE, at=NOW)
        needs.append(a_need(category="training", consented=consented, consented_organizations=named))
    together = merged(needs)
    assert (together.consented, together.consented_organizations) == (all_allow, organizations)


@pytest.mark.parametrize("consents", [PROVIDERS, naming(ONE)])
def test_a_consent_counts_until_its_end_and_not_from_then_on(consents):
    ends = datetime.fromisoformat(UNTIL)
    before = allowed_by([a_journey(consents)], GATE, at=ends - timedelta(microseconds=1))
    assert before != (False, frozenset())
    assert allowed_by([a_journey(consents)], GATE, at=ends) == (False, frozenset())


def test_without_a_gate_no_named_consent_is_sufficient():
    assert allowed_by([a_journey(naming(ONE))], None, at=NOW) == (False, frozenset())


@pytest.mark.parametrize("code", [Exclusion.NO_CONSENT, Exclusion.CONSENT_NAMES_ANOTHER])
def test_the_provider_is_told_that_a_consent_is_missing_and_not_whom_another_names(code):
    assert reason_of({code.value}) == "consent_withdrawn"
