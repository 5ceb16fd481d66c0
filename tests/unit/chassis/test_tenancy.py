"""What a token's claims make of its caller; a token that says nothing of it is nobody's."""

from typing import Annotated, Any
from uuid import uuid4

import pytest
from fastapi import APIRouter

from libs.chassis.auth import Caller, require_callers, requires
from libs.chassis.tenancy import (
    ORGANIZATIONS,
    STAFF,
    WHO_REGISTERS,
    CallerKind,
    OrganizationRequired,
    StaffOnly,
    Tenant,
    TenantMissing,
    WrongCaller,
    refused_kind,
)

ORGANIZATION = str(uuid4())
KINDS: list[tuple[dict[str, Any], set[CallerKind]]] = [
    ({}, set()),
    ({"desks": ["pgn-child-desk"]}, set()),
    ({"staff": False}, set()),
    ({"reception_places": []}, set()),
    ({"staff": True}, {CallerKind.STAFF}),
    ({"reception_places": ["GT01"]}, {CallerKind.RECEPTION}),
    ({"staff": True, "reception_places": ["GT01"]}, {CallerKind.STAFF, CallerKind.RECEPTION}),
    ({"service": "notifications", "reception_places": ["GT"]}, {CallerKind.SERVICE}),
    ({"organization_id": ORGANIZATION}, {CallerKind.ORGANIZATION}),
    ({"organization_id": ORGANIZATION, "staff": True, "service": "referral"}, {CallerKind.ORGANIZATION}),
]


@pytest.mark.parametrize(("claims", "kinds"), KINDS)
def test_a_caller_is_what_its_claims_say_and_an_organisations_token_nothing_besides(claims, kinds):
    tenant = Tenant.of({"client_id": "c", **claims}, frozenset())
    assert tenant.kinds == kinds
    assert hash(tenant) == hash(Tenant.of({"client_id": "c", **claims}, frozenset()))


@pytest.mark.parametrize(
    "claims",
    [
        {"staff": "true"},
        {"staff": 1},
        {"staff": None},
        {"service": ""},
        {"service": True},
        {"organization_id": ""},
        {"organization_id": 7},
        {"reception_places": "GT"},
        {"reception_places": [1]},
    ],
)
def test_a_claim_of_another_form_is_no_claim_at_all(claims):
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Tenant.of({"client_id": "c", **claims}, frozenset())


def test_each_refusal_says_what_is_missing():
    kinds = frozenset({CallerKind.RECEPTION})
    assert isinstance(refused_kind(frozenset(), by=STAFF), TenantMissing)
    assert isinstance(refused_kind(kinds, by=ORGANIZATIONS), OrganizationRequired)
    assert isinstance(refused_kind(kinds, by=STAFF), StaffOnly)
    assert isinstance(refused_kind(frozenset({CallerKind.SERVICE}), by=WHO_REGISTERS), WrongCaller)


def test_a_route_that_does_not_say_who_may_call_it_keeps_the_service_from_starting():
    router = APIRouter()

    @router.get("/told")
    async def told(caller: Annotated[Caller, requires("things:read", by=STAFF)]) -> None: ...

    require_callers([router])

    @router.get("/silent")
    async def silent() -> None: ...

    with pytest.raises(RuntimeError, match="/silent"):
        require_callers([router])


def test_there_is_no_default_of_who_may_call():
    with pytest.raises(TypeError):
        requires("things:read")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="at least one kind of caller"):
        requires("things:read", by=frozenset())
