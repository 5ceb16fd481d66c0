"""What is about restricted offers does not exist without the right, in the organisation that is offered them too."""

import json
import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.events.catalogue.directory import CapacityRefreshRequested
from libs.events.catalogue.referral import OfferRecalled, OfferReminded
from libs.events.codes import RecallReason
from tests.service.notifications.conftest import ALICE, SCOPES, an_offer


def follow_ups(offer):
    """What is told of the same offer later; these events do not say themselves that it is restricted."""
    facts = {
        name: getattr(offer, name)
        for name in ("returnee_id", "case_code", "need_id", "category", "at", "referral_id", "offer_id",
                     "organization_id", "provider_service_id")
    }  # fmt: skip
    return [
        OfferReminded(**facts, answer_by=offer.answer_by),
        OfferRecalled(**facts, reason=RecallReason.NEED_WITHDRAWN),
    ]


async def every_answer(service, ids):
    """All that an ordinary client of the organisation can read."""
    paths = (await service.client.get("/openapi.json")).json()["paths"]
    found = {}
    for template in sorted(path for path, methods in paths.items() if "get" in methods and path.startswith("/v1/")):
        name = next(iter(re.findall(r"{(\w+)}", template)), None)
        for one in ids.get(name, [str(uuid4())]) if name else [""]:
            answer = await service.get(template.replace(f"{{{name}}}", one))
            found[template, one if one in str(ids) else ""] = (answer.status_code, told(answer))
    return found


def told(answer):
    """The rows of a list, or the answer; no cursor and no trace."""
    body = answer.json()
    body.pop("trace_id", None)
    return body.get("items", body)


async def ids_of(service):
    deliveries = await service.rows("SELECT id FROM delivery")
    endpoints = await service.rows("SELECT id FROM endpoint")
    return {
        "delivery_id": [str(row["id"]) for row in deliveries],
        "endpoint_id": [str(row["id"]) for row in endpoints],
    }


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after another"])
async def test_restricted_offers_change_no_answer_to_who_may_not_know_of_them(service, together):
    await service.add_endpoint("http://127.0.0.1:9/hooks")
    await service.tell(an_offer())
    before = await every_answer(service, await ids_of(service))
    hidden = an_offer(category="gbv", service_type="safe_house", restricted=True)
    events = [hidden, *follow_ups(hidden)]
    if together:
        await service.tell(*events)
    else:
        for event in events:
            await service.tell(event)
    ids = await ids_of(service)
    assert len(ids["delivery_id"]) == 4, "and yet the organisation's endpoint is told"
    after = await every_answer(service, ids)
    assert {place: after[place] for place in before} == before
    new = [answer for place, answer in after.items() if place not in before]
    assert {status for status, _ in new} == {404}
    reader = service.headers(ALICE, scopes=f"{SCOPES} restricted:read")
    for path, count in (("/v1/inbox", 4), ("/v1/deliveries", 4)):
        assert len((await service.client.get(path, headers=reader)).json()["items"]) == count


async def test_a_restricted_service_is_asked_for_its_capacity_without_a_word_of_what_it_does(service):
    await service.tell(
        CapacityRefreshRequested(
            provider_service_id=uuid4(),
            organization_id=ALICE,
            category="gbv",
            requested_at=datetime.now(UTC),
            restricted=True,
        )
    )
    assert (await service.get("/v1/inbox")).json()["items"] == []
    reader = service.headers(ALICE, scopes=f"{SCOPES} restricted:read")
    (item,) = (await service.client.get("/v1/inbox", headers=reader)).json()["items"]
    assert "category" not in item["data"]
    assert "gbv" not in json.dumps(item)


async def test_a_restricted_delivery_is_not_replayed_by_who_may_not_know_of_it(service):
    await service.add_endpoint("http://127.0.0.1:9/hooks")
    await service.tell(an_offer(category="gbv", restricted=True))
    (delivery_id,) = (await ids_of(service))["delivery_id"]
    answers = [await service.post(f"/v1/deliveries/{one}/replay") for one in (delivery_id, uuid4())]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not-found")] * 2
