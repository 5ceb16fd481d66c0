"""What the evidence takes an event to be about, and who must be told of it."""

import pytest

from tests.chaos.reading import subject_of, told_to

BODY = {"offer_id": "offer-1", "referral_id": "referral-1", "organization_id": "casa"}


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("offer.made.v1", "offer-1"),
        ("offer.upheld.v1", "referral-1"),
        ("offer.halted.v1", "referral-1"),
        ("returnee.changed.v1", "key-1"),
    ],
)
def test_an_event_has_the_subject_of_its_step(kind: str, subject: str) -> None:
    """An evaluation of an accepted offer is a step of the referral; the record names no offer for it."""
    assert subject_of(kind, "key-1", BODY) == subject


def test_what_the_rules_alone_uphold_is_told_to_nobody() -> None:
    assert told_to("offer.upheld.v1", BODY | {"by_desk": False}) is None
    assert told_to("offer.upheld.v1", BODY | {"by_desk": True}) == "casa"
    assert told_to("offer.made.v1", BODY) == "casa"
