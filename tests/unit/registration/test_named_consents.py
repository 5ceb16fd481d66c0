"""A consent may name one organisation: what it allows, what its end closes, and which organisations it may name."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.consents.policy import Lost, Opened, lost_between, organization_key, organization_named
from libs.events.codes import ConsentPurpose, PublicationStatus, RecipientClass
from services.registration.consent.rules.consents import Grant, one_recipient_faults, standing_grants
from services.registration.organizations.rules import Nameable, last_days, may_be_named, organization_faults
from services.registration.receipts.rules import ReceiptFacts, ReceiptLanguage, lines_of

NOW = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
ONE, OTHER, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)
CATEGORIES = ("health", "training", "employment")
some = st.frozensets(st.sampled_from(CATEGORIES))
states = st.builds(Opened, some, st.dictionaries(st.sampled_from((ONE, OTHER)), some))


def may(state, category, organization_id):
    return category in state.to_classes or category in state.to_named.get(organization_id, ())


@given(before=states, after=states)
def test_exactly_what_was_allowed_and_is_not_any_more_is_closed(before, after):
    lost = lost_between(before, after)
    for category in CATEGORIES:
        for organization_id in (ONE, OTHER, THIRD):
            closed = any(one.closes(category, organization_id) for one in lost)
            ended = may(before, category, organization_id) and not may(after, category, organization_id)
            assert closed is ended, (category, organization_id, lost)


def test_nothing_is_closed_twice_for_one_organisation():
    before = Opened(frozenset({"health"}), {ONE: frozenset({"health", "training"})})
    assert lost_between(before, Opened()) == [
        Lost(frozenset({"health"})),
        Lost(frozenset({"training"}), ONE),
    ]


def test_a_consent_for_a_class_and_one_for_an_organisation_stand_beside_each_other():
    grants = [
        Grant(ConsentPurpose.REFERRAL, None, NOW + timedelta(days=3), ONE),
        Grant(ConsentPurpose.REFERRAL, None, NOW + timedelta(days=2), ONE),
        Grant(ConsentPurpose.REFERRAL, None, NOW + timedelta(days=1), OTHER),
        Grant(ConsentPurpose.REFERRAL, None, NOW, THIRD),
        Grant(ConsentPurpose.REFERRAL, RecipientClass.PROVIDERS, NOW + timedelta(days=1)),
    ]
    assert standing_grants(grants, at=NOW) == [grants[4], grants[0], grants[2]]


def test_a_key_names_its_organisation_and_no_key_of_a_class_does():
    assert organization_named(ConsentPurpose.REFERRAL, organization_key(ConsentPurpose.REFERRAL, ONE)) == ONE
    assert organization_named(ConsentPurpose.JUSTICE, organization_key(ConsentPurpose.REFERRAL, ONE)) is None
    assert organization_named(ConsentPurpose.REFERRAL, "referral:providers") is None


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (("providers", None, None), None),
        ((None, ONE, "Casa Ejemplo"), None),
        ((None, None, None), ("/recipient_organization_id", "one-recipient")),
        (("providers", ONE, "Casa Ejemplo"), ("/recipient_organization_id", "one-recipient")),
        ((None, ONE, None), ("/recipient_name", "name-of-organization")),
        (("providers", None, "Casa Ejemplo"), ("/recipient_name", "name-of-organization")),
    ],
)
def test_a_consent_is_for_a_class_or_for_one_organisation_with_its_name(told, fault):
    recipient_class, organization_id, name = told
    faults = one_recipient_faults(
        recipient_class=recipient_class, organization_id=organization_id, name=name, pointer=""
    )
    assert [(one.pointer, one.rule) for one in faults] == ([] if fault is None else [fault])


@pytest.mark.parametrize(
    ("purpose", "organization_id", "faults"),
    [
        (ConsentPurpose.REFERRAL, None, []),
        (ConsentPurpose.STATISTICS, None, []),
        (ConsentPurpose.REFERRAL, ONE, []),
        (ConsentPurpose.STATISTICS, ONE, [("/purpose", "purpose-of-offers")]),
        (ConsentPurpose.REFERRAL, OTHER, [("/recipient_organization_id", "active-organization")]),
        (ConsentPurpose.REFERRAL, THIRD, [("/recipient_organization_id", "known-organization")]),
    ],
)
def test_a_consent_names_an_organisation_that_takes_part_and_only_for_what_offers_are_made_for(
    purpose, organization_id, faults
):
    known = Nameable(
        frozenset({ConsentPurpose.REFERRAL}),
        {ONE: PublicationStatus.ACTIVE, OTHER: PublicationStatus.SUSPENDED},
    )
    found = organization_faults(purpose=purpose, organization_id=organization_id, nameable=known, pointer="")
    assert [(one.pointer, one.rule) for one in found] == faults


def test_an_organisation_of_restricted_categories_only_is_named_in_no_record():
    until = SimpleNamespace(valid_until=NOW.date())
    gbv, food = (SimpleNamespace(category=one, valid_until=until.valid_until) for one in ("gbv", "food"))
    assert may_be_named(last_days([gbv, food], [gbv, food]), restricted={"gbv"})
    assert not may_be_named(last_days([gbv], [gbv]), restricted={"gbv"})
    assert not may_be_named(last_days([food], []), restricted={"gbv"}), "nobody can be sent there"


@pytest.mark.parametrize("language", list(ReceiptLanguage))
def test_the_receipt_says_the_name_of_the_only_organisation(language):
    facts = ReceiptFacts(
        consent_id=str(ONE),
        case_code="GT-2222-3333",
        discloser="reception",
        purpose="referral",
        recipient_class=None,
        recipient_name="Casa {source} Ejemplo",
        data_described="sample",
        given_by="self",
        method="signature",
        staff_reference="desk-3",
        witness_reference=None,
        given_at=NOW,
        expires_at=NOW,
        withdrawn_at=None,
        standing=True,
    )
    (line,) = [one for one in lines_of(facts, language) if one.element == "recipients"]
    assert "Casa {source} Ejemplo," in line.text
