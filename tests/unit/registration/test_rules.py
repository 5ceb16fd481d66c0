"""The law of registration: batches, needs, consents, packets, the chain of the record."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.catalogue.arrivals import SafeContactTold
from libs.events.codes import ConsentPurpose, ContactChannel, RecipientClass
from services.registration.arrivals.rules import NEXT_STATUS, BatchStatus, BatchStep, IntakeCounts, manifest_until
from services.registration.consent.rules.consents import Grant, child_consent_faults, consent_faults, standing_grants
from services.registration.consent.rules.contacts import address_faults, kept_address, safe_contact_faults
from services.registration.needs.rules import NOTHING_KNOWN, KnownNeeds, ToldNeed, in_order, prerequisite
from services.registration.needs.rules import need_faults as faults_of_needs
from services.registration.pack import load_pack
from services.registration.packets.rules import closes_at, is_closed
from tests.categories import CATEGORIES, TAXONOMY

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
DAY = timedelta(days=1)
RESTRICTED = frozenset({"gbv", "anti_trafficking"})
PACK = Path(__file__).parents[3] / "deploy" / "packs" / "guatemala"


def need_faults(needs, *, known=NOTHING_KNOWN, pointer="/needs"):
    return faults_of_needs(
        needs, known=known, restricted=RESTRICTED, has_household=False, taxonomy=TAXONOMY, pointer=pointer
    )


def known_of(category):
    return KnownNeeds(of_category={category: uuid4()}, of_kind={})


@pytest.mark.parametrize(("status", "step"), list(itertools.product(BatchStatus, BatchStep)))
def test_every_step_of_a_batch_leads_forward_or_is_not_in_the_table(status, step):
    order = list(BatchStatus)
    following = NEXT_STATUS.get((status, step))
    if step is BatchStep.COMPLETE_INTAKE:
        assert (following is not None) == (status is BatchStatus.LANDED)
    else:
        assert following is not None, "announcements and landings come in any order"
        assert order.index(following) >= order.index(status)


@pytest.mark.parametrize(
    ("counts", "complete", "may_be_completed"),
    [
        (IntakeCounts(people_count=None, registered_count=2, entries_count=2, open_count=0), False, False),
        (IntakeCounts(people_count=2, registered_count=1, entries_count=2, open_count=1), False, False),
        (IntakeCounts(people_count=2, registered_count=1, entries_count=2, open_count=0), True, True),
        (IntakeCounts(people_count=2, registered_count=2, entries_count=3, open_count=1), True, True),
        (IntakeCounts(people_count=2, registered_count=1, entries_count=0, open_count=0), False, True),
        (IntakeCounts(people_count=0, registered_count=0, entries_count=0, open_count=0), False, True),
        (IntakeCounts(people_count=0, registered_count=0, entries_count=2, open_count=2), False, False),
    ],
)
def test_when_an_intake_is_complete(counts, complete, may_be_completed):
    assert (counts.is_complete, counts.may_be_completed) == (complete, may_be_completed)


def test_names_announced_are_kept_for_days_after_they_came_or_were_told():
    assert manifest_until(NOW, taken_at=NOW - DAY, days=14) == NOW + 14 * DAY
    assert manifest_until(NOW - 30 * DAY, taken_at=NOW, days=14) == NOW + 14 * DAY


KINDS = [kind for kind in TAXONOMY.kinds if TAXONOMY.kinds[kind].category in {"documents", "employment", "gbv"}]


@st.composite
def told_needs(draw):
    kind = draw(st.none() | st.sampled_from(KINDS))
    category = draw(st.sampled_from(CATEGORIES)) if kind is None else TAXONOMY.kinds[kind].category
    after = draw(st.none() | st.sampled_from(CATEGORIES) | st.sampled_from(KINDS))
    by_kind = after in KINDS
    return ToldNeed(category, 1, None if by_kind else after, kind=kind, after_kind=after if by_kind else None)


TOLD = st.lists(told_needs(), max_size=8)


@given(TOLD)
def test_needs_that_pass_can_be_put_in_order_and_each_follows_its_prerequisite(needs):
    if need_faults(needs):
        return
    order = in_order(needs)
    assert sorted(order) == list(range(len(needs)))
    for place, at in enumerate(order):
        before, need = prerequisite(needs, at), needs[at]
        assert before is None or before in order[:place]
        asked = need.after_kind or need.after_category
        assert asked is None or before is not None
        assert before is None or asked in {needs[before].category, needs[before].kind}


@given(TOLD)
def test_putting_needs_in_order_ends_even_when_they_wait_in_a_circle(needs):
    assert sorted(in_order(needs)) == list(range(len(needs)))


def test_a_need_may_come_after_one_told_before():
    need = ToldNeed("employment", 1, "documents")
    assert need_faults([need], known=known_of("documents")) == []
    (fault,) = need_faults([need], pointer="")
    assert (fault.pointer, fault.rule) == ("/0/after_category", "need-known")


@pytest.mark.parametrize("known", [NOTHING_KNOWN, known_of("gbv")])
def test_an_ordinary_need_never_waits_for_a_restricted_one_whether_there_is_one_or_not(known):
    need = ToldNeed("shelter", 1, "gbv")
    (fault,) = need_faults([need], known=known)
    assert (fault.pointer, fault.rule) == ("/needs/0/after_category", "ordinary-prerequisite")


def test_a_category_that_the_pack_lacks_is_one_fault_with_the_nearest_ones():
    """Taken out: the first check of `need_faults`, and that of `after_category`."""
    needs = [ToldNeed("sheltr", 1, None), ToldNeed("food", 1, "documets")]
    wrong, waits = need_faults(needs)
    assert (wrong.pointer, wrong.rule) == ("/needs/0/category", "unknown-category")
    assert "shelter" in wrong.detail
    assert (waits.pointer, waits.rule) == ("/needs/1/after_category", "unknown-category")
    assert "documents" in waits.detail


def test_needs_that_wait_for_each_other_are_refused():
    circle = [
        ToldNeed("food", 1, "health"),
        ToldNeed("health", 1, "food"),
    ]
    assert [fault.rule for fault in need_faults(circle)] == ["no-circle", "no-circle"]


GRANTS = st.lists(
    st.builds(
        Grant,
        st.sampled_from(ConsentPurpose),
        st.sampled_from(RecipientClass),
        st.timedeltas(timedelta(days=-90), timedelta(days=90)).map(lambda span: NOW + span),
    )
)


@given(GRANTS)
def test_what_stands_is_what_has_not_run_out_once_for_each_purpose_and_recipient(grants):
    standing = standing_grants(grants, at=NOW)
    keys = [(grant.purpose, grant.recipient_class) for grant in standing]
    assert keys == sorted(set(keys))
    assert all(grant.expires_at > NOW for grant in standing)
    assert set(keys) == {(grant.purpose, grant.recipient_class) for grant in grants if grant.expires_at > NOW}


@given(GRANTS)
def test_a_longer_consent_is_never_shortened_by_another(grants):
    for grant in standing_grants(grants, at=NOW):
        same = [one for one in grants if (one.purpose, one.recipient_class) == (grant.purpose, grant.recipient_class)]
        assert grant.expires_at == max(one.expires_at for one in same)


def test_a_consent_needs_an_end_a_beginning_and_the_right_to_take_it_back():
    sound = {"given_at": NOW, "expires_at": NOW + DAY, "revocation_explained": True, "at": NOW, "pointer": ""}
    sound |= {"times": load_pack(PACK).reception.times}
    assert consent_faults(**sound) == []
    assert consent_faults(**sound | {"given_at": NOW + timedelta(minutes=5)}) == [], "clocks differ by minutes"
    for change, rule in (
        ({"expires_at": NOW}, "after-given-at"),
        ({"given_at": NOW + timedelta(hours=1), "expires_at": NOW + DAY}, "too-far-ahead"),
        ({"given_at": NOW - 6 * 366 * DAY}, "too-long-ago"),
        ({"expires_at": NOW + 101 * 366 * DAY}, "too-far-ahead"),
        ({"revocation_explained": False}, "revocation-explained"),
    ):
        assert [fault.rule for fault in consent_faults(**sound | change)] == [rule]


@pytest.mark.parametrize(
    ("group", "given_by", "fault"),
    [
        ("child", "self", True),
        ("child", "guardian", False),
        ("child", "authority", False),
        ("adult", "self", False),
        ("unsure", "self", False),
    ],
)
def test_who_decides_for_a_child(group, given_by, fault):
    assert bool(child_consent_faults(age_group=group, given_by=given_by, pointer="")) is fault


@pytest.mark.parametrize("channel", list(ContactChannel))
def test_an_address_stands_exactly_where_the_channel_has_one(channel):
    given = {"at": NOW, "times": load_pack(PACK).reception.times, "country": "GT", "pointer": ""}
    address = "ana@example.org" if channel is ContactChannel.EMAIL else "5123 4567"
    wanted, unwanted = (None, address) if channel is ContactChannel.NONE else (address, None)
    right, wrong = (SafeContactTold(channel=channel, address=one) for one in (wanted, unwanted))
    assert safe_contact_faults(right, **given) == []
    assert len(safe_contact_faults(wrong, **given)) == 1


SMS, CALL, EMAIL, RELAY = ContactChannel.SMS, ContactChannel.CALL, ContactChannel.EMAIL, ContactChannel.RELAY


@pytest.mark.parametrize(
    ("channel", "address", "kept"),
    [
        (SMS, "5123 4567", "+50251234567"),
        (SMS, "+502 5123-4567", "+50251234567"),
        (SMS, "00502 51234567", "+50251234567"),
        (SMS, "50251234567", "+50251234567"),
        (SMS, "+1 (213) 373-4253", "+12133734253"),
        (SMS, "５１２３ ４５６７", "+50251234567"),
        (CALL, "2245 6789", "+50222456789"),
        (EMAIL, " ana@Example.org ".strip(), "ana@example.org"),
        (RELAY, " Por la casa del migrante ", "Por la casa del migrante"),
    ],
)
def test_an_address_is_kept_in_one_form(channel, address, kept):
    assert address_faults(channel, address, country="GT", pointer="/address") == []
    assert kept_address(channel, address, country="GT") == kept
    assert kept_address(channel, kept, country="MX") == kept, "what is kept names its country"


@pytest.mark.parametrize(
    ("channel", "address", "rule"),
    [
        (SMS, "no tiene", "phone-number"),
        (SMS, "5.02E+10", "phone-number"),
        (SMS, "50200000000", "phone-number"),
        (SMS, "ana@example.org", "phone-number"),
        (SMS, "5123", "phone-number"),
        (SMS, "+502 5123 45678", "phone-number"),
        (SMS, "+999 5123 4567", "phone-number"),
        (SMS, "512-FLORES", "phone-number"),
        (SMS, "\u200b\u200b\u200b", "phone-number"),
        (SMS, "---", "phone-number"),
        (SMS, "2245 6789", "mobile-number"),
        (CALL, "5.02E+10", "phone-number"),
        (CALL, "ninguno", "phone-number"),
        (EMAIL, "+502 5123 4567", "email-address"),
        (EMAIL, "ana@", "email-address"),
        (EMAIL, "no tiene", "email-address"),
        (EMAIL, "ana@example", "email-address"),
        (RELAY, "...", "relay-address"),
        (RELAY, "\u200b\u200b\u200b", "relay-address"),
        (RELAY, "Ana\x07 Paz", "relay-address"),
    ],
)
def test_what_a_channel_does_not_take_is_refused_without_being_repeated(channel, address, rule):
    (fault,) = address_faults(channel, address, country="GT", pointer="/address")
    assert (fault.pointer, fault.rule) == ("/address", rule)
    assert address not in fault.detail


def test_a_packet_is_open_until_its_days_are_over():
    until = closes_at(NOW, days_after=30)
    assert not is_closed(None, at=NOW)
    assert not is_closed(until, at=NOW + 30 * DAY - timedelta(seconds=1))
    assert is_closed(until, at=NOW + 30 * DAY)
    assert is_closed(closes_at(NOW, days_after=0), at=NOW)
