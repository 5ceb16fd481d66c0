"""Every text that a request to notifications can carry gets a mark; then the marks are looked for.

The only text is the address of a receiver. It belongs to an organisation, but it may hold a token of the receiver or
the name of the one who looks after it.
"""

from __future__ import annotations

from tests.marks import Marks, mark, watching
from tests.service.notifications.conftest import an_offer
from tests.service.notifications.receiving import answering

ALLOWED = {"endpoint.url": "where notifications of the organisation are sent; deleted with the endpoint"}
QUIET = "SELECT 1 FROM delivery WHERE status = 'failed'"


async def refusals(service) -> None:
    """Marked addresses that are none, or none of the public."""
    for url in (
        mark(),
        f"ftp://{mark()}.example",
        f"https://{mark()}:{mark()}@a.example/",
        f"https://a.example/#{mark()}",
    ):
        answer = await service.post("/v1/endpoints", json={"url": url})
        assert answer.status_code == 422, answer.text
    answer = await service.post("/v1/endpoints", json={"url": f"https://a.example/{mark()}", "event_types": [mark()]})
    assert answer.status_code == 422, answer.text


async def sent(service, webhooks) -> None:
    """Registered, changed, tried, sent to, not reached, and answered with words of the receiver."""
    endpoint = await service.add_endpoint(f"{webhooks.url}/{mark()}?token={mark()}")
    webhooks.behaviour = answering(410, {"x-mark": mark()}, text=mark())
    service.start(service.sender())
    await service.tell(an_offer())
    await webhooks.wait_for(1)
    await service.wait_for_rows(QUIET)
    other = await service.add_endpoint(f"http://127.0.0.1:9/{mark()}")
    await service.tell(an_offer())
    await service.wait_for_rows("SELECT 1 FROM attempt WHERE fault = 'connection-failed'")
    path = f"/v1/endpoints/{other['id']}"
    headers = service.headers() | {"If-Match": (await service.get(path)).headers["etag"]}
    changed = await service.client.patch(path, json={"url": f"{webhooks.url}/{mark()}"}, headers=headers)
    assert changed.status_code == 200, changed.text
    for name in (f"endpoints/{endpoint['id']}", "deliveries", "inbox", "endpoints"):
        assert (await service.get(f"/v1/{name}")).status_code == 200


async def test_the_address_of_a_receiver_is_in_its_own_column_and_nowhere_else(service, webhooks, caplog, capfd):
    """Seen to fail with words of requests in logs, output, spans, metrics, refusals and events."""
    with watching(caplog, capfd) as watch:
        marks = Marks((await service.client.get("/openapi.json")).json())
        service.client.event_hooks["response"].append(marks.look)
        await sent(service, webhooks)
        await refusals(service)
        await marks.ask_with_marks(service.client, service.headers())
        await service.stop()
        assert marks.missing() == {}
        assert await service.rows("SELECT 1 FROM outbox"), "there are events"
        assert await watch.leaks(marks, service.url, ALLOWED) == {}
