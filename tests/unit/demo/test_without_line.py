"""The scene without a line is shown only if everything of it happened."""

from typing import Any

import pytest

from deploy.demo.without_line import act_of

RESULTS = [{"case_code": "GT-2222-2222", "outcome": one, "replayed": False} for one in ("done", "done", "conflict")]
AGAIN = [one | {"replayed": True} for one in RESULTS]


def told(**changes: Any) -> dict[str, Any]:
    return {
        "results": RESULTS, "again": AGAIN, "conflict": {"held": "nobody"}, "decided": {"resolution": "told"},
        "known": {"case_code": "GT-3333-3333"}, "same": True,
    } | changes  # fmt: skip


def test_every_step_is_shown_with_case_codes() -> None:
    text = "\n".join(act_of(**told()).lines)
    for word in ("60 min ago the line breaks", "GT-2222-2222", "GT-3333-3333", "done, done, conflict", "sends all 3"):
        assert word in text


@pytest.mark.parametrize(
    "changes",
    [
        {"conflict": {"held": "told"}},
        {"decided": {"resolution": None}},
        {"same": False},
        {"again": [*AGAIN[:2], RESULTS[2]]},
    ],
)
def test_without_one_of_its_steps_it_did_not_happen(changes: dict[str, Any]) -> None:
    assert not act_of(**told(**changes)).happened
