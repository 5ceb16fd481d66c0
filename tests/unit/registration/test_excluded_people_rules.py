"""When the name of somebody may be that of an excluded person, and which reasons a person may give."""

import pytest

from services.registration.excluded_people.rules import may_be_same
from services.registration.withholding.rules import reason_faults

KNOWN = ["fear_of_harm", "other"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Juan", "Pérez"), ("JUAN", "Perez López"), True),
        (("Juan Carlos", "Pérez López"), ("Juan", "López"), True),
        (("B'alam", "Tzul"), ("Balam", "Tzul"), True),
        (("Juan", "Pérez"), ("Pedro", "Pérez"), False),
        (("Juan", "Pérez López"), ("Juan", "Pérez García"), False),
    ],
    ids=["more-names", "fewer-names", "apostrophe", "another-name", "another-family"],
)
def test_names_may_be_one_if_all_words_of_one_are_in_the_other(one, other, same):
    assert may_be_same(one, other) is same
    assert may_be_same(other, one) is same


@pytest.mark.parametrize(
    ("reason", "words", "faults"),
    [
        (None, None, []),
        ("fear_of_harm", None, []),
        ("other", "text", []),
        ("fear_of_harm", "text", ["/reason_words"]),
        (None, "text", ["/reason_words"]),
        ("unknown", None, ["/reason"]),
    ],
    ids=["none", "code", "other", "code-with-words", "words-alone", "unknown"],
)
def test_a_reason_is_of_the_pack_and_only_other_has_words(reason, words, faults):
    assert [one.pointer for one in reason_faults(reason, words, known=KNOWN)] == faults
