"""The delivery log over HTTP: listed, read, replayed, tested, each organisation's own."""

from uuid import uuid4

from tests.service.notifications.conftest import BRUNO, an_offer
from tests.service.notifications.receiving import answering


async def test_deliveries_are_listed_newest_first_in_pages_and_by_status(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url)
    for _ in range(5):
        await service.tell(an_offer())
    await service.add_endpoint(webhooks.url, BRUNO)
    await service.tell(an_offer(BRUNO))
    seen, after = [], None
    while True:
        params = {"limit": 2} | ({"after": after} if after else {})
        page = (await service.get("/v1/deliveries", params=params)).json()
        seen += page["items"]
        after = page["next"]
        if after is None:
            break
    assert len({item["id"] for item in seen}) == 5
    times = [item["created_at"] for item in seen]
    assert times == sorted(times, reverse=True)
    assert {item["endpoint_id"] for item in seen} == {endpoint["id"]}

    async def count(**params):
        return len((await service.get("/v1/deliveries", params=params)).json()["items"])

    assert (await count(status="pending"), await count(status="failed")) == (5, 0)
    assert (await count(endpoint_id=endpoint["id"]), await count(endpoint_id=str(uuid4()))) == (5, 0)
    assert (await service.get("/v1/deliveries", params={"status": "lost"})).status_code == 422


async def test_another_organisations_delivery_does_not_exist(service, webhooks):
    await service.add_endpoint(webhooks.url)
    await service.tell(an_offer())
    (row,) = await service.rows("SELECT id FROM delivery")
    assert (await service.get(f"/v1/deliveries/{row['id']}")).status_code == 200
    assert (await service.get(f"/v1/deliveries/{row['id']}", BRUNO)).status_code == 404
    assert (await service.post(f"/v1/deliveries/{row['id']}/replay", BRUNO)).status_code == 404
    assert (await service.get("/v1/deliveries", BRUNO)).json()["items"] == []


async def test_a_finished_delivery_is_sent_once_more_under_the_same_id(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url)
    service.start(service.sender())
    await service.tell(an_offer())
    (row,) = await service.wait_for_rows("SELECT id FROM delivery WHERE status = 'succeeded'")
    replayed = await service.post(f"/v1/deliveries/{row['id']}/replay", key="once")
    assert (replayed.status_code, replayed.json()["status"]) == (200, "pending")
    first, second = await webhooks.wait_for(2)
    assert first.message_id == second.message_id
    second.verified_by(endpoint["secret"])
    await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'succeeded' AND attempt_count = 2")
    again = await service.post(f"/v1/deliveries/{row['id']}/replay", key="once")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["status"] == "succeeded"


async def test_a_delivery_on_its_way_is_not_replayed(service, webhooks):
    await service.add_endpoint(webhooks.url)
    await service.tell(an_offer())
    (row,) = await service.rows("SELECT id FROM delivery")
    response = await service.post(f"/v1/deliveries/{row['id']}/replay")
    assert (response.status_code, response.json()["code"]) == (409, "step-not-allowed")
    assert (response.json()["state"], response.json()["step"]) == ("pending", "replay")


async def test_what_is_due_at_a_disabled_endpoint_is_given_up_and_can_be_replayed_later(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url)
    await service.tell(an_offer())
    await service.post(f"/v1/endpoints/{endpoint['id']}/disable")
    service.start(service.sender())
    (row,) = await service.wait_for_rows("SELECT id FROM delivery WHERE status = 'failed'")
    log = (await service.get(f"/v1/deliveries/{row['id']}")).json()
    assert [attempt["fault"] for attempt in log["attempts"]] == ["endpoint-not-enabled"]
    assert await service.rows("SELECT 1 FROM outbox WHERE type = 'delivery.failed.v1'")
    refused = await service.post(f"/v1/deliveries/{row['id']}/replay")
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoint-not-enabled")
    assert not webhooks.calls
    await service.post(f"/v1/endpoints/{endpoint['id']}/enable")
    assert (await service.post(f"/v1/deliveries/{row['id']}/replay")).status_code == 200
    await webhooks.wait_for(1)


async def test_what_is_due_at_a_deleted_endpoint_is_given_up(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url)
    await service.tell(an_offer())
    await service.client.delete(f"/v1/endpoints/{endpoint['id']}", headers=service.headers())
    service.start(service.sender())
    (row,) = await service.wait_for_rows("SELECT id FROM delivery WHERE status = 'failed'")
    assert (await service.get(f"/v1/deliveries/{row['id']}")).status_code == 200
    assert (await service.post(f"/v1/deliveries/{row['id']}/replay")).status_code == 404
    assert not webhooks.calls


async def test_the_way_to_an_endpoint_can_be_tried(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url, event_types=["offer.made.v1"])
    webhooks.behaviour = answering(202)
    service.start(service.sender())
    response = await service.post(f"/v1/endpoints/{endpoint['id']}/test")
    assert response.status_code == 202
    (call,) = await webhooks.wait_for(1)
    content = call.verified_by(endpoint["secret"])
    assert (content["type"], content["data"]) == ("endpoint.test.v1", {"endpoint_id": endpoint["id"]})
    assert call.message_id == response.json()["message_id"]
    await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'succeeded'")
    log = (await service.get(response.headers["Location"])).json()
    assert [attempt["status_code"] for attempt in log["attempts"]] == [202]
    await service.post(f"/v1/endpoints/{endpoint['id']}/disable")
    assert (await service.post(f"/v1/endpoints/{endpoint['id']}/test")).json()["code"] == "endpoint-not-enabled"
