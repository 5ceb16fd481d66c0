"""A consent without one of its elements is none (domain P2): no element has a default, by REST and by event."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from services.registration.consent.rules.consents import WORDS_OF_THE_PERSON, silence_faults
from services.registration.consent.schemas import ConsentTold
from services.registration.consent.tables import Consent

TOLD = {
    "purpose": "referral",
    "recipient_class": "providers",
    "data_described": "My name and how to reach me (sample)",
    "given_by": "guardian",
    "method": "witnessed",
    "language": "quc",
    "staff_reference": "desk-3",
    "given_at": datetime(2026, 3, 2, tzinfo=UTC),
    "expires_at": datetime(2027, 3, 2, tzinfo=UTC),
    "revocation_explained": True,
}
FROM_THE_REQUEST = {"returnee_id", "discloser"}
"""The subject and who may share: the path and the token say it."""


def test_a_consent_with_all_elements_is_read():
    assert ConsentTold.model_validate(TOLD).model_dump(mode="json")["given_by"] == "guardian"


@pytest.mark.parametrize("element", TOLD)
def test_no_element_may_be_left_out(element):
    with pytest.raises(ValidationError) as refused:
        ConsentTold.model_validate({name: value for name, value in TOLD.items() if name != element})
    assert [(fault["loc"], fault["type"]) for fault in refused.value.errors()] == [((element,), "missing")]


def test_an_event_that_leaves_out_the_persons_word_is_not_filled_in():
    told = TOLD.keys() - {"given_by", "revocation_explained"}
    faults = silence_faults(told, pointer="/consents/0")
    assert {fault.pointer for fault in faults} == {f"/consents/0/{name}" for name in WORDS_OF_THE_PERSON}


def test_every_element_is_kept():
    columns = {column.name.removesuffix("_sealed") for column in Consent.__table__.columns}
    assert TOLD.keys() | FROM_THE_REQUEST <= columns
