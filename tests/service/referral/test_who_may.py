"""Every route that takes a step: it declares the refusals of its rows, and lets through those whom its rows name."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from services.referral.app import ROUTES
from services.referral.lifecycles.guards import GUARDS
from services.referral.lifecycles.printed import Row, Who
from services.referral.lifecycles.rules import NEEDS, OFFERS, REFERRALS
from tests.service.referral.world import World

STEPS: dict[str, tuple[str, Any]] = {
    "POST offers/{offer_id}/acknowledge": ("offer.acknowledge", None),
    "POST offers/{offer_id}/accept": ("offer.accept", None),
    "POST offers/{offer_id}/decline": ("offer.decline", {"reason": "full"}),
    "POST referrals/{referral_id}/start": ("referral.start", None),
    "POST referrals/{referral_id}/uphold": ("referral.uphold upheld", {"reason": "they asked to stay"}),
    "POST referrals/{referral_id}/complete": ("referral.complete", {"outcome": "need_met"}),
    "POST referrals/{referral_id}/not-delivered": ("referral.report_not_delivered", {"reason": "other"}),
    "POST referrals/{referral_id}/cancel": ("referral.cancel", {"reason": "duplicate"}),
    "POST referrals/{referral_id}/enter-in-error": ("referral.enter_in_error", {}),
    "POST referrals/{referral_id}/override": (
        "referral.override",
        {"provider_service_id": str(uuid4()), "reason": "they know her"},
    ),
    "POST referrals/{referral_id}/search-attempts": (
        "referral.search_attempt",
        {"channel": "call", "result": "not_found"},
    ),
    "POST referrals/{referral_id}/stay/extend": ("referral.extend_stay", {"hours": 24, "reason": "other"}),
    "POST reviews/{review_id}/approve": ("referral.approve", {}),
    "POST reviews/{review_id}/decide-age": ("referral.approve", {"group": "child", "basis": "assessment"}),
    "POST reviews/{review_id}/reject": ("referral.reject", {}),
    "POST needs/{need_id}/assign": ("need.assign desk", {"owner": "lead"}),
    "POST needs/{need_id}/acknowledge": ("need.acknowledge", None),
    "POST needs/{need_id}/refuse": ("need.refuse", None),
    "POST needs/{need_id}/close": ("need.close", {"reason": "lost_contact"}),
    "POST needs/{need_id}/reopen": ("need.reopen", None),
    "POST needs/{need_id}/seek-again": ("need.seek_again", None),
    "PUT needs/{need_id}/prerequisite": ("need.set_prerequisite", {"need_id": str(uuid4())}),
    "DELETE needs/{need_id}/prerequisite": ("need.remove_prerequisite", None),
}
"""By route: the step that it takes (of one guard, where it also follows from others), and a body that is right."""
OTHERS = {
    "POST cases/search",
    "POST offers/answers",
    "POST returnees/{returnee_id}/journey/end",
    "POST returnees/{returnee_id}/journey/reopen",
    "POST reviews/{review_id}/resolve",
    "PUT referrals/{referral_id}/stay",
    "POST work-lists/hand-over",
    "POST desks/{desk}/absences",
    "DELETE desks/{desk}/absences/{absence_id}",
}
"""Routes whose steps are those of others, taken for many at once, or that take none of a need, referral or offer."""
PEOPLE = {Who.PROVIDER, Who.DESK}


def rows_of(step: str) -> list[Row[Any, Any]]:
    tables = {table.subject: table for table in (NEEDS, REFERRALS, OFFERS)}
    subject, name, *guard = step.replace(".", " ").split()
    return [row for row in tables[subject].rows if row.step == name and (not guard or row.guard in guard)]


@cache
def documents() -> dict[str, dict[str, Any]]:
    app = FastAPI()
    for router in ROUTES:
        app.include_router(router)
    return {
        f"{method.upper()} {path.removeprefix('/v1/')}": operation
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if method != "get"
    }


def test_every_route_that_writes_is_known_here():
    assert documents().keys() == STEPS.keys() | OTHERS


@pytest.mark.parametrize("route", STEPS)
def test_a_route_declares_every_refusal_of_its_step(route: str):
    """Seen to fail where one declaration replaced another, so that reopening a need declared no illegal step."""
    declared = {
        code for status in documents()[route]["responses"].values() for code in re.findall(r"`(\S+?)`", str(status))
    }
    wanted = {code for row in rows_of(STEPS[route][0]) if row.guard for code in GUARDS[row.guard].refused}
    missing = {"step-not-allowed", *wanted - {"invalid-input"}} - declared
    assert not missing
    assert "422" in documents()[route]["responses"] or "invalid-input" not in wanted


async def test_those_whom_the_rows_name_are_let_through_and_nobody_else(world: World):
    """Of what isn't there: who may take the step learns that it isn't, who may not learns only that.

    Seen to fail with a row of `provider` more at cancelling, and with one of `desk` less at starting.
    """
    everything = "offers:answer referrals:write needs:write reviews:decide ages:decide restricted:read stays:extend"
    callers = {
        Who.DESK: world.headers(everything, client_id="desk"),
        Who.PROVIDER: world.issuer.headers(everything, client_id="partner", organization_id=uuid4()),
    }
    faults = []
    for route, (step, body) in STEPS.items():
        method, path = route.split(" ", 1)
        url = "/v1/" + re.sub(r"\{\w+\}", str(uuid4()), path)
        allowed = {who for row in rows_of(step) for who in row.who} & PEOPLE
        for who, headers in callers.items():
            key = {"Idempotency-Key": str(uuid4())}
            answer = await world.client.request(method, url, json=body, headers=headers | key)
            refusal = "staff-only" if who is Who.PROVIDER else "organization-required"
            expected = (404, "not-found") if who in allowed else (403, refusal)
            if (answer.status_code, answer.json()["code"]) != expected:
                faults.append(f"{route} {who}: {answer.status_code} {answer.json()['code']}")
    assert not faults
