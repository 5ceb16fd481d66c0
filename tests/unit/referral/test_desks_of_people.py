"""For which desks a caller acts: a person has those of its token alone, because people share a client."""

from types import SimpleNamespace
from typing import Any, cast

from libs.chassis.auth import Caller
from libs.chassis.tenancy import Tenant
from services.referral.access import desks_of
from services.referral.pack.policy import RoutingPolicy

POLICY = cast(RoutingPolicy, SimpleNamespace(desks=frozenset({"health-desk", "shelter-desk"})))


def desks(client_id: str, *, person: bool, **claims: Any) -> frozenset[str]:
    tenant = Tenant(client_id, staff=True)
    caller = Caller("somebody", client_id, tenant, frozenset(), claims=claims, person=person)
    return desks_of(caller, POLICY)


def test_a_program_without_the_claim_acts_for_the_desk_of_its_name_and_a_person_does_not() -> None:
    """Taken out: `caller.person` in `desks_of` (everybody who signed in to `health-desk` was that desk)."""
    assert desks("health-desk", person=False) == {"health-desk"}
    assert desks("health-desk", person=True) == frozenset()


def test_a_person_acts_for_the_desks_of_the_claim() -> None:
    assert desks("enlace-console", person=True, desks=["shelter-desk", "unknown-desk"]) == {"shelter-desk"}
    assert desks("health-desk", person=True, desks=[]) == frozenset()
