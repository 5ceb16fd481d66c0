"""The stages of the check-in: each once, with its time, in any order, and in numbers that name nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.service.registration.test_wristbands import bands_of, told

NOW = datetime.now(UTC).replace(microsecond=0)


def before(minutes: int) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat()


async def figures_of(registration: Any, batch: dict[str, Any]) -> dict[str, Any]:
    return dict((await registration.get(f"/v1/arrival-batches/{batch['id']}/check-ins")).json())


async def test_each_stage_is_recorded_once_in_whatever_order_it_is_told(registration: Any):
    batch = await registration.announce(0)
    (code,) = await bands_of(registration, batch, 1)
    made = await registration.register(arrival_batch_id=batch["id"], wristband=code)
    items = [
        {"wristband": code, "stage": "exited", "at": before(1), "exited_to": "family"},
        {"returnee_id": made["id"], "stage": "informed", "at": before(20)},
        {"wristband": code, "stage": "welcomed", "at": before(30)},
        {"returnee_id": made["id"], "stage": "welcomed", "at": before(5)},
    ]
    results = await told(registration, *items)
    assert [one["outcome"] for one in results] == ["recorded", "recorded", "recorded", "already_recorded"]
    assert results[3]["at"] == results[2]["at"], "the time that was told first stays"
    again = await told(registration, *items)
    assert {one["outcome"] for one in again} == {"already_recorded"}
    assert [one["at"] for one in again] == [one["at"] for one in results]
    figures = await figures_of(registration, batch)
    assert [figures[one] for one in ("welcomed", "informed", "registered", "exited")] == [1, 1, 1, 1]


async def test_a_request_sent_again_under_its_key_has_the_same_effect_and_an_answer(registration: Any):
    batch = await registration.announce(0)
    (code,) = await bands_of(registration, batch, 1)
    headers, body = registration.headers(), {"items": [{"wristband": code, "stage": "welcomed"}]}
    first = await registration.client.post("/v1/check-ins", json=body, headers=headers)
    again = await registration.client.post("/v1/check-ins", json=body, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    (one,), (other,) = first.json()["results"], again.json()["results"]
    assert (one["at"], other["outcome"]) == (other["at"], "already_recorded")


async def test_stages_before_the_registration_and_of_the_registered_person_become_one(registration: Any):
    batch = await registration.announce(0)
    (code,) = await bands_of(registration, batch, 1)
    reference = {"arrival_batch_id": batch["id"], "sender_reference": f"seat-{uuid4()}"}
    made = await registration.register(**reference)
    await told(registration, {"returnee_id": made["id"], "stage": "informed", "at": before(10)})
    await told(registration, {"wristband": code, "stage": "welcomed", "at": before(20)})
    await registration.register(**reference, wristband=code)
    results = await told(
        registration, {"wristband": code, "stage": "informed"}, {"returnee_id": made["id"], "stage": "welcomed"}
    )
    assert [one["at"] for one in results] == [before(10).replace("+00:00", "Z"), before(20).replace("+00:00", "Z")]
    assert (await figures_of(registration, batch))["welcomed"] == 1


async def test_an_item_that_cannot_be_recorded_is_named_and_the_others_are(registration: Any):
    batch = await registration.announce(0)
    one, other = await bands_of(registration, batch, 2)
    results = await told(
        registration,
        {"wristband": one, "stage": "welcomed", "at": (NOW + timedelta(days=1)).isoformat()},
        {"returnee_id": str(uuid4()), "stage": "welcomed"},
        {"wristband": other, "stage": "welcomed"},
    )
    assert [(one["outcome"], one["rule"]) for one in results] == [
        ("refused", "too-far-ahead"), ("refused", "known-returnee"), ("recorded", None),
    ]  # fmt: skip
    assert (await figures_of(registration, batch))["welcomed"] == 1


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ({"stage": "welcomed"}, "one-subject"),
        ({"stage": "welcomed", "wristband": "2222-2222", "returnee_id": str(uuid4())}, None),
        ({"stage": "exited", "returnee_id": str(uuid4())}, "exited-to"),
        ({"stage": "informed", "returnee_id": str(uuid4()), "exited_to": "home"}, "exited-to"),
        ({"stage": "registered", "returnee_id": str(uuid4())}, None),
    ],
)
async def test_an_item_that_says_nothing_clear_is_refused_with_its_field(registration: Any, item: dict[str, Any], rule):
    refused = await registration.post("/v1/check-ins", {"items": [item]})
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert error["pointer"].startswith("/items/0")
    assert rule in (None, error["rule"])


async def test_the_figures_say_since_when_the_first_has_waited(registration: Any):
    batch = await registration.announce(0)
    one, other = await bands_of(registration, batch, 2)
    await told(
        registration,
        {"wristband": one, "stage": "welcomed", "at": before(40)},
        {"wristband": other, "stage": "welcomed", "at": before(25)},
        {"wristband": one, "stage": "informed", "at": before(20)},
    )
    figures = await figures_of(registration, batch)
    assert figures["not_informed_since"] == before(25).replace("+00:00", "Z")
    assert figures["not_registered_since"] == before(40).replace("+00:00", "Z")
    assert figures["open_wristbands"] == 2
    await registration.register(arrival_batch_id=batch["id"], wristband=one)
    figures = await figures_of(registration, batch)
    assert figures["not_registered_since"] == before(25).replace("+00:00", "Z")
    assert figures["not_exited_since"] is not None


async def test_a_person_without_a_batch_and_without_a_band_is_checked_in_too_and_it_is_recorded(registration: Any):
    made = await registration.register()
    results = await told(
        registration,
        {"returnee_id": made["id"], "stage": "welcomed"},
        {"returnee_id": made["id"], "stage": "exited", "exited_to": "shelter"},
    )
    assert {one["outcome"] for one in results} == {"recorded"}
    log = (await registration.get(f"/v1/returnees/{made['id']}/access-log?purpose=request_of_person")).text
    assert "returnee.check_in" in log
