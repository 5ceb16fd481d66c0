"""Codes that somebody sends, checked against the taxonomy: each form of a detail takes its own values and no others."""

import pytest

from libs.events.detail_values import ToldDetail, as_told, by_detail
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.told import detail_faults, kind_faults

TAXONOMY = Taxonomy.model_validate(
    {
        "country": "GT",
        "version": "test-1",
        "languages": ["en"],
        "documents": {},
        "details": {
            "colour": {"label": {"en": "Colour"}, "form": "choice", "values": {"red": {"en": "Red"}}},
            "colours": {
                "label": {"en": "Colours"}, "form": "choices", "values": {"red": {"en": "Red"}, "blue": {"en": "Blue"}},
            },
            "count": {"label": {"en": "Count"}, "form": "number", "at_least": 2, "at_most": 4},
            "place": {"label": {"en": "Place"}, "form": "place"},
            "spoken": {"label": {"en": "Spoken"}, "form": "languages"},
            "sure": {"label": {"en": "Sure"}, "form": "yes_no"},
        },
        "facts": {},
        "categories": {
            "paint": {"label": {"en": "Paint"}, "definition": {"en": "Paint."}, "dimension": "social", "basic": True}
        },
        "kinds": {
            "wall_paint": {
                "category": "paint", "label": {"en": "Wall paint"}, "definition": {"en": "For walls."}, "unit": "item",
                "details": ["colour", "colours", "count", "place", "spoken", "sure"],
            },
            "old_paint": {
                "category": "paint", "label": {"en": "Old paint"}, "definition": {"en": "As before."}, "unit": "item",
                "deprecated_by": "wall_paint",
            },
        },
    }
)  # fmt: skip
POSSIBLE = {
    "colour": ["red"],
    "colours": [["red"], ["red", "blue"]],
    "count": [2, 4],
    "place": ["GT01", "GT0101"],
    "spoken": [["spa"], ["spa", "kek"]],
    "sure": [True, False],
}
OTHERS = ["green", ["green"], ["red", "red"], 1, 5, True, "gt01", ["es"], ["spa", "spa"], "red", 2, ["red"]]


def rules(detail: str, value: object) -> list[str]:
    told = ToldDetail.model_validate({"detail": detail, "value": value})
    return [fault.rule for fault in detail_faults(TAXONOMY, "wall_paint", [told], pointer="/details")]


@pytest.mark.parametrize("detail", POSSIBLE)
def test_each_form_takes_its_own_values_and_no_others(detail: str) -> None:
    for value in POSSIBLE[detail]:
        assert rules(detail, value) == [], value
    for value in OTHERS:
        taken = rules(detail, value) == []
        assert taken == (repr(value) in {repr(one) for one in POSSIBLE[detail]} or fits_anyway(detail, value)), value


def fits_anyway(detail: str, value: object) -> bool:
    """Values of OTHERS that another form than the one for which they stand also takes."""
    return detail == "spoken" and value == ["red"]


def test_a_deprecated_kind_is_refused_with_its_successor() -> None:
    (fault,) = kind_faults(TAXONOMY, "old_paint", category="paint", pointer="/kind")
    assert fault.rule == "deprecated-kind"
    assert fault.detail.endswith("use wall_paint")
    assert kind_faults(TAXONOMY, "old_paint", category="paint", pointer="/kind", also_deprecated=True) == []


def test_details_are_stored_by_their_code_and_told_in_order() -> None:
    told = [ToldDetail(detail="sure", value=False), ToldDetail(detail="count", value=2)]
    assert by_detail(told) == {"sure": False, "count": 2}
    assert as_told(by_detail(told)) == [told[1], told[0]]
