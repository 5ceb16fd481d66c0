"""In what role somebody is said to have taken a step."""

from __future__ import annotations

import pytest

from services.referral.lifecycles.printed import NETWORK, Who
from services.referral.timelines.rules import Role, role_of

DESKS = {"shelter-desk"}


def test_the_watcher_is_told_as_the_network():
    """Seen to fail with a list of actors of the timeline's own, which did not name the watcher: it was a person."""
    assert role_of("need.assign", Who.WATCHER.value, desks=DESKS) is Role.NETWORK


@pytest.mark.parametrize("actor", sorted(NETWORK))
def test_whoever_is_recorded_by_its_own_name_is_the_network(actor: Who):
    assert role_of("referral.escalate", actor.value, desks=DESKS) is Role.NETWORK


@pytest.mark.parametrize(
    ("step", "actor", "role"),
    [
        ("offer.accept", "client-of-casa", Role.PROVIDER),
        ("offer.accept", Who.AUTO.value, Role.NETWORK),
        ("need.assign", "shelter-desk", Role.DESK),
        ("need.assign", "maria", Role.PERSON),
    ],
)
def test_anybody_else_by_the_step_or_the_desk(step: str, actor: str, role: Role):
    assert role_of(step, actor, desks=DESKS) is role
