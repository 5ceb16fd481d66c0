"""Endpoints over HTTP: registered, read, changed, rotated, switched off, deleted, each by its own organisation only."""

import asyncio
import base64
from uuid import uuid4

import pytest

from services.notifications.app import create_app
from services.notifications.endpoints.rules import ENDPOINTS_MAX
from tests.service.notifications.conftest import ALICE, BRUNO

URL = "https://hooks.sample.example/enlace"


async def test_an_endpoint_is_registered_and_its_secret_shown_once(service):
    response = await service.post("/v1/endpoints", json={"url": URL, "event_types": ["offer.made.v1"]})
    assert response.status_code == 201
    created = response.json()
    assert response.headers["Location"] == f"/v1/endpoints/{created['id']}"
    assert len(base64.b64decode(created["secret"].removeprefix("whsec_"), validate=True)) == 32
    read = (await service.get(f"/v1/endpoints/{created['id']}")).json()
    assert "secret" not in read
    assert read == {name: value for name, value in created.items() if name != "secret"}
    assert read["status"] == "enabled"
    listed = (await service.get("/v1/endpoints")).json()
    assert listed == {"items": [read], "next": None}


async def test_the_secret_is_sealed_at_rest(service):
    created = await service.add_endpoint(URL)
    secret = base64.b64decode(created["secret"].removeprefix("whsec_"))
    (row,) = await service.rows("SELECT sealed FROM endpoint_secret")
    assert secret not in row["sealed"]
    assert created["secret"].encode() not in row["sealed"]


async def test_a_repeated_registration_answers_like_the_first(service):
    first = await service.post("/v1/endpoints", key="one", json={"url": URL})
    again = await service.post("/v1/endpoints", key="one", json={"url": URL})
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await service.get("/v1/endpoints")).json()["items"]) == 1
    other = await service.post("/v1/endpoints", key="one", json={"url": URL + "/other"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_registration_without_idempotency_key_is_refused(service):
    response = await service.client.post("/v1/endpoints", headers=service.headers(), json={"url": URL})
    assert (response.status_code, response.json()["code"]) == (400, "idempotency-key-missing")


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"url": "ftp://hooks.sample.example/"}, "/url", "url-scheme"),
        ({"url": "http://user:secret@127.0.0.1/"}, "/url", "url-credentials"),
        ({"url": "http://169.254.169.254/"}, "/url", "url-address"),
        ({"url": ""}, "/url", "string-too-short"),
        ({"url": URL, "event_types": ["offer.invented.v1"]}, "/event_types/0", "enum"),
        ({"url": URL, "event_types": []}, "/event_types", "too-short"),
        ({"url": URL, "colour": "red"}, "/colour", "extra-forbidden"),
        ({}, "/url", "missing"),
    ],
)
async def test_a_bad_endpoint_is_refused_by_field_and_rule_and_nothing_is_stored(service, body, pointer, rule):
    response = await service.post("/v1/endpoints", json=body)
    assert response.status_code == 422
    assert [(error["pointer"], error["rule"]) for error in response.json()["errors"]] == [(pointer, rule)]
    assert "secret" not in response.text
    assert not await service.rows("SELECT 1 FROM endpoint")


async def test_without_the_setting_for_local_runs_only_public_https_is_taken(settings, running, issuer):
    strict = settings.model_copy(update={"webhook_allow_private": False})
    headers = issuer.headers("endpoints:write", organization_id=ALICE)
    async with running(create_app(strict)) as client:
        for url, rule in [("http://hooks.sample.example/", "url-scheme"), ("https://127.0.0.1/", "url-address")]:
            response = await client.post(
                "/v1/endpoints", headers={**headers, "Idempotency-Key": str(uuid4())}, json={"url": url}
            )
            assert (response.status_code, response.json()["errors"][0]["rule"]) == (422, rule)


async def test_another_organisations_endpoint_does_not_exist(service):
    created = await service.add_endpoint(URL, ALICE)
    path = f"/v1/endpoints/{created['id']}"
    answers = [
        await service.get(path, BRUNO),
        await service.client.patch(path, headers=service.headers(BRUNO, **{"If-Match": "*"}), json={"url": URL}),
        await service.post(f"{path}/enable", BRUNO),
        await service.post(f"{path}/disable", BRUNO),
        await service.post(f"{path}/rotate-secret", BRUNO),
        await service.post(f"{path}/test", BRUNO),
        await service.client.delete(path, headers=service.headers(BRUNO)),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert (await service.get("/v1/endpoints", BRUNO)).json()["items"] == []
    assert (await service.get(path)).json()["version"] == 1


async def test_a_token_without_organisation_owns_nothing(service):
    response = await service.client.get("/v1/endpoints", headers=service.headers(None))
    assert (response.status_code, response.json()["code"]) == (403, "organization-required")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/endpoints"), ("GET", "/v1/deliveries"), ("GET", "/v1/inbox")]
)
async def test_each_operation_needs_its_scope(service, method, path):
    headers = service.headers(scopes="endpoints:read", **{"Idempotency-Key": "x"})
    response = await service.client.request(
        method, path, headers=headers, json={"url": URL} if method == "POST" else None
    )
    assert (response.status_code, response.json()["code"]) == (403, "insufficient-scope")
    assert (await service.client.request(method, path)).status_code == 401


async def test_an_endpoint_is_changed_on_the_version_that_was_seen(service):
    created = await service.add_endpoint(URL, event_types=["offer.made.v1"])
    path = f"/v1/endpoints/{created['id']}"
    tag = (await service.get(path)).headers["ETag"]
    headers = service.headers(**{"If-Match": tag})
    changed = await service.client.patch(path, headers=headers, json={"url": URL + "/2"})
    assert changed.status_code == 200
    assert changed.json()["url"] == URL + "/2"
    assert changed.json()["event_types"] == ["offer.made.v1"]
    assert (await service.client.patch(path, headers=headers, json={"url": URL})).status_code == 412
    headers = service.headers(**{"If-Match": changed.headers["ETag"]})
    everything = await service.client.patch(path, headers=headers, json={"event_types": None})
    assert everything.json()["event_types"] is None
    assert (await service.client.patch(path, headers=service.headers(), json={"url": URL})).status_code == 428


async def test_a_rotated_secret_overlaps_and_the_old_one_is_never_shown_again(service):
    first = await service.post("/v1/endpoints", key="made", json={"url": URL})
    path = f"/v1/endpoints/{first.json()['id']}"
    rotated = await service.post(f"{path}/rotate-secret", key="turned", json={"overlap_hours": 2})
    assert rotated.status_code == 200
    assert rotated.json()["secret"] not in (None, first.json()["secret"])
    assert (
        await service.post(f"{path}/rotate-secret", key="turned", json={"overlap_hours": 2})
    ).json() == rotated.json()
    assert (await service.post("/v1/endpoints", key="made", json={"url": URL})).json()["secret"] is None
    (current, old) = await service.rows(
        "SELECT signs_until, signs_until - now() BETWEEN '1:59' AND '2:00' AS soon FROM endpoint_secret"
        " ORDER BY signs_until NULLS FIRST"
    )
    assert current["signs_until"] is None
    assert old["soon"]


async def test_never_more_than_two_secrets_and_none_but_the_new_one_without_overlap(service):
    path = f"/v1/endpoints/{(await service.add_endpoint(URL))['id']}"
    for _ in range(3):
        await service.post(f"{path}/rotate-secret")
    assert len(await service.rows("SELECT 1 FROM endpoint_secret")) == 2
    await service.post(f"{path}/rotate-secret", json={"overlap_hours": 0})
    assert len(await service.rows("SELECT 1 FROM endpoint_secret")) == 1


async def test_an_endpoint_is_disabled_and_enabled_and_each_only_once(service):
    path = f"/v1/endpoints/{(await service.add_endpoint(URL))['id']}"
    off = await service.post(f"{path}/disable")
    assert (off.json()["status"], off.json()["disabled_reason"]) == ("disabled", "by_owner")
    again = await service.post(f"{path}/disable")
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "step-not-allowed", "disabled")
    on = await service.post(f"{path}/enable")
    assert (on.json()["status"], on.json()["disabled_reason"]) == ("enabled", None)
    assert (await service.post(f"{path}/enable")).status_code == 409


async def test_a_deleted_endpoint_is_gone_with_its_url_and_secrets(service):
    path = f"/v1/endpoints/{(await service.add_endpoint(URL))['id']}"
    assert (await service.client.delete(path, headers=service.headers())).status_code == 204
    assert (await service.get(path)).status_code == 404
    assert (await service.client.delete(path, headers=service.headers())).status_code == 404
    assert (await service.get("/v1/endpoints")).json()["items"] == []
    (row,) = await service.rows("SELECT url, status FROM endpoint")
    assert (row["url"], row["status"]) == (None, "deleted")
    assert not await service.rows("SELECT 1 FROM endpoint_secret")


async def test_the_limit_of_endpoints_holds_when_many_register_at_once(service):
    await service.rows(
        "INSERT INTO endpoint (id, organization_id, url, status, version, created_at, changed_at)"
        " SELECT gen_random_uuid(), $1, 'https://a.example/', 'enabled', 1, now(), now() FROM generate_series(1, $2)",
        ALICE,
        ENDPOINTS_MAX - 1,
    )
    answers = await asyncio.gather(*(service.post("/v1/endpoints", json={"url": URL}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"endpoint-limit-reached"}


async def test_endpoints_come_in_pages(service):
    made = [(await service.add_endpoint(f"{URL}/{number}"))["id"] for number in range(5)]
    seen, after = [], None
    while True:
        page = (await service.get("/v1/endpoints", params={"limit": 2} | ({"after": after} if after else {}))).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == made
