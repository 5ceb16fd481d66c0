"""No code of an API reaches a page without its words: the tables of labels have every code of the API documents."""

from typing import Any

import pytest

from libs.events import codes
from services.console.labels import _FILES, LABELS, label
from services.console.labels.reasons import reason_words
from services.console.words import all_words
from services.referral.candidates.interlocks import Interlock
from services.referral.candidates.judgement import OVERRULED_BY_PERSON
from services.referral.candidates.reasons import Exclusion
from services.referral.candidates.score import PARTS
from services.referral.lifecycles.rules import NeedStep, OfferStep, ReferralStep, recorded
from services.referral.promises.queries import PROMISES
from tests.console.world import document_of

ENUMS = {
    "need_status": "NeedStatus",
    "referral_status": "ReferralStatus",
    "offer_status": "OfferStatus",
    "decline_reason": "DeclineReason",
    "owner_reason": "OwnerReason",
    "outcome": "Outcome",
    "not_delivered_reason": "NotDeliveredReason",
    "journey_end": "JourneyEnd",
    "waits_on": "Party",
    "due": "TimerKind",
    "review_reason": "ReviewReason",
    "review_status": "ReviewStatus",
    "age_decision": "AgeGroup",
    "age_decision_basis": "AgeBasis",
    "exit_item": "ExitItem",
    "item_status": "ItemStatus",
    "next_step": "NextStep",
    "search_channel": "SearchChannel",
    "search_result": "SearchResult",
    "absence_reason": "AbsenceReason",
    "hold_status": "HoldStatus",
    "actor_role": "Role",
    "urgency": "Urgency",
}
BODIES = {"close_reason": ("CloseBody", "reason"), "cancel_reason": ("CancelBody", "reason")}
NOT_IN_A_DOCUMENT: dict[str, set[str]] = {
    "exclusion": {one.value for one in [*Exclusion, *Interlock]},
    "overruled": {one.value for one in OVERRULED_BY_PERSON},
    "score_part": set(PARTS),
    "step": {recorded(one) for one in [*NeedStep, *ReferralStep, *OfferStep]},
    "recall_reason": {one.value for one in codes.RecallReason},
    "awaited": {one.value for one in codes.Awaited},
    "promise": set(PROMISES),
    "end_reason": {
        one.value
        for reasons in (codes.CloseReason, codes.CancelReason, codes.Outcome, codes.NotDeliveredReason)
        for one in reasons
    },
}


def schemas() -> dict[str, Any]:
    found: dict[str, Any] = document_of("referral")["components"]["schemas"]
    return found


@pytest.mark.parametrize("table", ENUMS)
def test_a_table_has_exactly_the_codes_of_the_api_document(table: str):
    assert set(LABELS[table]) == set(schemas()[ENUMS[table]]["enum"])


@pytest.mark.parametrize("table", BODIES)
def test_a_table_has_exactly_the_codes_that_a_request_may_contain(table: str):
    schema, name = BODIES[table]
    assert set(LABELS[table]) == set(schemas()[schema]["properties"][name]["enum"])


@pytest.mark.parametrize("table", NOT_IN_A_DOCUMENT)
def test_a_table_has_exactly_the_codes_that_the_service_records(table: str):
    assert set(LABELS[table]) == NOT_IN_A_DOCUMENT[table]


def test_each_table_is_in_one_file_only():
    names = [name for file in _FILES for name in file.LABELS]
    assert sorted(names) == sorted(set(names))


def test_no_label_is_empty_or_is_the_code_with_underscores():
    assert not [text for table in LABELS.values() for text in table.values() if not text.strip() or "_" in text]


@pytest.mark.parametrize(
    ("step", "reason", "words"),
    [
        ("offer.decline", "full", "no free place"),
        ("referral.halt", "age,not_active", "it is not for this age; it does not work now"),
        ("referral.plan_exit", "money:done", "money for the way: done"),
        ("referral.plan_exit", "next_step:family", "afterwards: to the family"),
        ("referral.extend_stay", "hours_24", "by 24 hours"),
        ("referral.widen", "ring_2", ""),
        ("need.refine", "prosthesis", "Prosthesis"),
        ("offer.make", None, ""),
    ],
)
def test_the_reason_of_a_step_is_told_in_words(step: str, reason: str | None, words: str):
    assert reason_words(all_words()["en"], step, reason, kind=str.capitalize) == words


def test_a_code_without_words_is_shown_as_not_known_and_never_as_a_code():
    assert label(all_words()["en"], "need_status", "a_new_status") == "not known here"
