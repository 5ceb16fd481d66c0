"""The scene of somebody who is registered twice: it is shown only if every step of it happened."""

from typing import Any

import pytest

from deploy.demo.twice import act_of

FIRST = {"id": "one", "case_code": "GT-2222-2222"}
SECOND = {"id": "two", "case_code": "GT-3333-3333"}
SIDE = {"returnee_id": "one", "registered_on": "2026-03-02", "reception_place": "GT01"}
MATCH = {"people": [SIDE, {"returnee_id": "two"}], "band": "same", "reasons": ["document_number.exact"]}


def told(**changes: Any) -> dict[str, Any]:
    return {
        "first": FIRST, "second": SECOND, "match": MATCH, "merged": {"status": "merged"}, "arrivals": [1, 2],
        "apart": {"merged": False}, "same": True,
    } | changes  # fmt: skip


def test_every_step_is_shown_with_case_codes():
    lines = act_of(**told()).lines
    assert [word in line for word, line in zip(("GT01", "exact", "continues", "as they were"), lines, strict=True)] == [
        True
    ] * 4
    assert "registered on 2026-03-02 at GT01" in lines[0]


@pytest.mark.parametrize(
    "changes", [{"merged": {"status": "open"}}, {"arrivals": [1]}, {"apart": {"merged": True}}, {"same": False}]
)
def test_without_one_of_its_steps_it_did_not_happen(changes: dict[str, Any]):
    assert not act_of(**told(**changes)).happened
