"""Connections of a provider: add, test, switch, new secret, delete; what was sent, and sending it again."""

import re
from typing import Any

import pytest

from tests.console.told_provider import AT, id_, page, provider
from tests.console.world import Browser, World

SECRET = "whsec_c2FtcGxlLXNlY3JldC1zYW1wbGUtc2VjcmV0LTAwMDA="  # pragma: allowlist secret
ONE = "0198d2a4-5f10-7c3e-9a55-0d7c5b1f2a66"


def endpoint(**changes: Any) -> dict[str, Any]:
    return {
        "id": ONE,
        "url": "https://hooks.casa-sample.example/enlace",
        "event_types": None,
        "status": "enabled",
        "disabled_reason": None,
        "failing_since": None,
        "paused_until": None,
        "created_at": AT,
        "changed_at": AT,
        "version": 3,
        **changes,
    }


def delivery(**changes: Any) -> dict[str, Any]:
    return {
        "id": id_(),
        "message_id": id_(),
        "endpoint_id": ONE,
        "event_type": "offer.made.v1",
        "status": "failed",
        "attempt_count": 2,
        "next_attempt_at": None,
        "created_at": AT,
        "finished_at": AT,
        **changes,
    }


@pytest.fixture
def browser(world: World) -> Browser:
    world.services.tell("notifications", "/v1/endpoints", page(endpoint()))
    world.services.tell("notifications", f"/v1/endpoints/{ONE}", endpoint())
    world.services.tell("notifications", "/v1/deliveries", page(delivery()))
    return provider(world)


async def test_connections_are_listed_with_their_state_in_words(world: World, browser: Browser):
    off = endpoint(id=id_(), status="disabled", disabled_reason="gone", event_types=["offer.made.v1"])
    world.services.tell("notifications", "/v1/endpoints", page(endpoint(), off))
    text = (await browser.get("/endpoints")).text
    for part in ("hooks.casa-sample.example", "all events", "switched off", "does not exist any more (410)", "failed"):
        assert part in text
    assert f"/endpoints/{ONE}/test" in text
    assert f"/endpoints/{off['id']}/enable" in text


async def test_the_secret_of_a_new_connection_is_shown_once_with_advice(world: World, browser: Browser):
    world.services.tell("notifications", "/v1/endpoints", endpoint(secret=SECRET), method="POST", status=201)
    fields = {"url": "https://hooks.casa-sample.example/enlace", "event_types": ["offer.made.v1"], "form_key": "k"}
    shown = await browser.post("/endpoints", **fields)
    assert shown.status_code == 201
    assert shown.text.count(SECRET) == 1
    assert "shown only now" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    (sent,) = world.services.sent("POST", "/v1/endpoints")
    assert sent.body == {"url": fields["url"], "event_types": ["offer.made.v1"]}
    assert sent.headers["idempotency-key"] == "k"
    assert SECRET not in (await browser.get("/endpoints")).text


async def test_an_address_that_is_not_possible_is_shown_beside_its_field_and_kept(world: World, browser: Browser):
    fault = {"pointer": "/url", "rule": "url-scheme", "detail": "x"}
    world.services.refuse("notifications", "/v1/endpoints", "invalid-input", status=422, errors=[fault])
    shown = await browser.post("/endpoints", url="http://a.example", event_types="offer.made.v1", form_key="k")
    assert shown.status_code == 422
    assert 'id="url-fault1">The address must begin with https://' in shown.text
    assert 'value="http://a.example"' in shown.text
    assert 'value="offer.made.v1" checked' in shown.text


async def test_a_test_leads_to_its_delivery_which_refreshes_itself_until_it_has_ended(world: World, browser: Browser):
    running = delivery(event_type="endpoint.test.v1", status="pending", attempt_count=0, finished_at=None)
    world.services.tell("notifications", f"/v1/endpoints/{ONE}/test", running, method="POST", status=202)
    done = await browser.post(f"/endpoints/{ONE}/test", form_key="k")
    assert done.headers["location"] == f"/endpoints/deliveries/{running['id']}"
    assert world.services.sent("POST", f"/v1/endpoints/{ONE}/test")[0].headers["idempotency-key"] == "k"
    path = f"/v1/deliveries/{running['id']}"
    world.services.tell("notifications", path, {**running, "attempts": []})
    assert "hx-get" in (await browser.get(done.headers["location"])).text
    attempts = [
        {"number": 1, "at": AT, "duration_ms": 12, "status_code": 500, "fault": "status-not-2xx"},
        {"number": 2, "at": AT, "duration_ms": 15, "status_code": 204, "fault": None},
    ]
    world.services.tell("notifications", path, {**running, "status": "succeeded", "attempts": attempts})
    text = (await browser.get(done.headers["location"])).text
    assert "hx-get" not in text
    for part in ("your server answered with an error", "answered with 500", "arrived", "15 milliseconds"):
        assert part in text


@pytest.mark.parametrize("step", ["enable", "disable"])
async def test_a_connection_is_switched_by_one_call(world: World, browser: Browser, step: str):
    path = f"/v1/endpoints/{ONE}/{step}"
    world.services.tell("notifications", path, endpoint(), method="POST")
    assert (await browser.post(f"/endpoints/{ONE}/{step}", form_key="k")).status_code == 303
    assert world.services.sent("POST", path)[0].headers["idempotency-key"] == "k"


async def test_a_refused_button_says_why_and_what_to_do(world: World, browser: Browser):
    world.services.refuse("notifications", f"/v1/endpoints/{ONE}/test", "endpoint-not-enabled")
    shown = await browser.post(f"/endpoints/{ONE}/test", form_key="k")
    assert (shown.status_code, "Switch it on first." in shown.text) == (409, True)


async def test_a_new_secret_is_shown_once_and_says_how_long_both_are_valid(world: World, browser: Browser):
    path = f"/v1/endpoints/{ONE}/rotate-secret"
    world.services.tell("notifications", path, endpoint(secret=SECRET), method="POST")
    shown = await browser.post(f"/endpoints/{ONE}/rotate", overlap_hours="72", form_key="k")
    assert SECRET in shown.text
    assert "For 72 hours" in shown.text
    (sent,) = world.services.sent("POST", path)
    assert (sent.body, sent.headers["idempotency-key"]) == ({"overlap_hours": 72}, "k")
    leaked = await browser.post(f"/endpoints/{ONE}/rotate", overlap_hours="0", form_key="k")
    assert "The old secret is not valid any more." in leaked.text


async def test_a_connection_is_changed_for_the_version_that_was_read(world: World, browser: Browser):
    path = f"/v1/endpoints/{ONE}"
    assert "&#34;3&#34;" in (await browser.get(f"/endpoints/{ONE}")).text
    world.services.tell("notifications", path, endpoint(), method="PATCH")
    done = await browser.post(f"/endpoints/{ONE}", url="https://b.example/", etag='"3"')
    assert done.status_code == 303
    (sent,) = world.services.sent("PATCH", path)
    assert (sent.body, sent.headers["if-match"]) == ({"url": "https://b.example/", "event_types": None}, '"3"')
    world.services.refuse("notifications", path, "version-mismatch", method="PATCH", status=412)
    shown = await browser.post(f"/endpoints/{ONE}", url="https://c.example/", etag='"2"')
    assert (shown.status_code, 'value="https://c.example/"' in shown.text) == (412, True)


async def test_deleting_asks_first_and_a_second_click_is_no_error(world: World, browser: Browser):
    assert "Delete the connection?" in (await browser.get(f"/endpoints/{ONE}/delete")).text
    assert world.services.sent("DELETE", f"/v1/endpoints/{ONE}") == []
    world.services.tell("notifications", f"/v1/endpoints/{ONE}", None, method="DELETE", status=204)
    for _ in range(2):
        assert (await browser.post(f"/endpoints/{ONE}/delete", form_key="k")).status_code == 303
        del world.services.told[("notifications", "DELETE", f"/v1/endpoints/{ONE}")]
        world.services.refuse("notifications", f"/v1/endpoints/{ONE}", "not-found", method="DELETE", status=404)


async def test_deliveries_are_filtered_and_sent_again(world: World, browser: Browser):
    shown = await browser.get(f"/endpoints/deliveries?status=failed&endpoint={ONE}")
    assert "a new offer" in shown.text
    (asked,) = world.services.sent("GET", "/v1/deliveries")
    assert (asked.query["status"], asked.query["endpoint_id"]) == (["failed"], [ONE])
    assert (await browser.get("/endpoints/deliveries?status=&endpoint=")).status_code == 200
    one = delivery()
    path = f"/v1/deliveries/{one['id']}"
    world.services.tell("notifications", path, {**one, "attempts": []})
    world.services.tell("notifications", f"{path}/replay", one, method="POST")
    assert (await browser.post(f"/endpoints/deliveries/{one['id']}/replay", form_key="k")).status_code == 303
    assert world.services.sent("POST", f"{path}/replay")[0].headers["idempotency-key"] == "k"
    world.services.refuse("notifications", f"{path}/replay", "step-not-allowed")
    refused = await browser.post(f"/endpoints/deliveries/{one['id']}/replay", form_key="k")
    assert (refused.status_code, "not possible any more" in refused.text) == (409, True)


async def test_without_notifications_the_page_says_so(world: World, browser: Browser):
    world.services.away.add("notifications")
    shown = await browser.get("/endpoints")
    assert (shown.status_code, "does not answer now" in shown.text) == (200, True)


async def test_who_may_only_read_sees_no_form_and_cannot_send_one(world: World, browser: Browser):
    reader = provider(world, without="endpoints:write")
    text = (await reader.get(f"/endpoints/{ONE}")).text
    assert not re.findall(r'action="/endpoints', text)
    assert (await reader.post(f"/endpoints/{ONE}/disable")).status_code == 404
    assert world.services.sent("POST", f"/v1/endpoints/{ONE}/disable") == []
    assert (await reader.get(f"/endpoints/{ONE}/delete")).status_code == 404
    for other in (provider(world, without="endpoints:read"), world.client("endpoints:read", staff=True)):
        assert (await other.get("/endpoints")).status_code == 404
    assert (await provider(world, without="deliveries:read").get("/endpoints/deliveries")).status_code == 404
