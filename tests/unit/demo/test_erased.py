"""The scene of an erasure is shown only if nothing is left that should be gone."""

from typing import Any

import pytest

from deploy.demo.erased import Erased, erased_act, served

CLOSED = {"status": "closed", "referrals": [{"status": "cancelled"}]}


def seen(**changes: Any) -> Erased:
    return Erased(
        **{
            "case_code": "GT-2222-2222", "category": "health", "provider": "Casa", "status": 410, "packet": 410,
            "is_found": False, "journey": CLOSED, "told": True, "answer": "deleted",
            "actions": ["packet.read", "returnee.erase"],
        } | changes
    )  # fmt: skip


def test_what_each_service_says_is_shown() -> None:
    text = "\n".join(erased_act(seen()).lines)
    for word in ("GT-2222-2222, health: Casa", "(410)", "cancelled", "answers: deleted", "2 entries"):
        assert word in text


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 200},
        {"packet": 200},
        {"is_found": True},
        {"told": False},
        {"answer": None},
        {"journey": {}},
        {"journey": {"status": "closed", "referrals": [{"status": "accepted"}]}},
        {"actions": ["packet.read"]},
    ],
)
def test_anything_that_is_left_means_that_it_did_not_happen(changes: dict[str, Any]) -> None:
    assert not erased_act(seen(**changes)).happened


def test_nobody_with_a_provider_is_no_scene() -> None:
    assert not erased_act(None).happened


def test_only_people_whom_a_provider_serves_and_who_are_not_shown_elsewhere_are_chosen() -> None:
    def journey(name: str, referral: str, offer: str) -> dict[str, Any]:
        offers = [{"id": f"offer-{name}", "status": offer}]
        return {"returnee_id": name, "needs": [{"id": "n", "referrals": [{"status": referral, "offers": offers}]}]}

    found = [
        journey("shown", "accepted", "accepted"),
        journey("served", "in_service", "accepted"),
        journey("ended", "completed", "accepted"),
        journey("asked", "offered", "pending"),
    ]
    assert [one[0] for one in served(found, but={"shown"})] == ["served"]
