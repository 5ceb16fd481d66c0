import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.service.provider_directory.making import OWNER, READER, pool_body


async def _service(directory, **changes):
    return await directory.a_service(await directory.an_organization(), **changes)


async def test_a_declaration_is_published_with_all_pools_as_the_api_shows_it(directory):
    service_id = await _service(directory)
    beds, seats = pool_body(kind="adult_beds"), pool_body(kind="seats", starts_on="2026-01-05", ends_on="2026-03-31")
    view = await directory.a_declaration(service_id, seats, beds)
    [_, event] = await directory.outbox(service_id)
    assert view["pools"] == [{**beds, "starts_on": None, "ends_on": None}, seats]
    names = ("provider_service_id", "organization_id", "version", "as_of", "accepted_left_out")
    shown = {name: view[name] for name in names}
    pools = [{"pool_id": pool.pop("id"), **pool} for pool in view["pools"]]
    assert event.model_dump(mode="json") == {**shown, "pools": pools}
    assert (await directory.get(f"/v1/services/{service_id}/capacity")).json()["version"] == 1


async def test_a_first_declaration_is_a_201_and_later_ones_a_200(directory):
    path = f"/v1/services/{await _service(directory)}/capacity"
    pool = pool_body()
    answers = [await directory.put(path, {"pools": [pool | {"available": free}]}) for free in (3, 0)]
    assert [(answer.status_code, answer.headers["etag"]) for answer in answers] == [(201, '"1"'), (200, '"2"')]


async def test_a_service_without_a_declaration_says_so(directory):
    answer = await directory.get(f"/v1/services/{await _service(directory)}/capacity")
    assert (answer.status_code, answer.json()["code"]) == (404, "capacity-not-declared")
    unknown = await directory.get(f"/v1/services/{uuid4()}/capacity")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")


async def test_an_older_declaration_never_replaces_a_newer_one(directory):
    path = f"/v1/services/{await _service(directory)}/capacity"
    moment = datetime.now(UTC)
    newer, older = moment - timedelta(minutes=5), moment - timedelta(minutes=6)
    assert (await directory.put(path, {"as_of": newer.isoformat(), "pools": [pool_body()]})).status_code == 201
    refused = await directory.put(path, {"as_of": older.isoformat(), "pools": []})
    assert (refused.status_code, refused.json()["code"]) == (409, "stale-declaration")
    assert datetime.fromisoformat(refused.json()["as_of"]) == newer
    assert len((await directory.get(path)).json()["pools"]) == 1


async def test_nobody_declares_the_future_but_clocks_may_differ_a_little(directory):
    path = f"/v1/services/{await _service(directory)}/capacity"
    ahead = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    refused = await directory.put(path, {"as_of": ahead, "pools": []})
    assert refused.json()["errors"][0]["rule"] == "too-far-ahead"
    skewed = datetime.now(UTC) + timedelta(seconds=20)
    answer = await directory.put(path, {"as_of": skewed.isoformat(), "pools": []})
    assert answer.status_code == 201
    assert datetime.fromisoformat(answer.json()["as_of"]) < skewed
    assert (await directory.put(path, {"pools": [pool_body()]})).status_code == 200


async def test_the_same_figures_change_nothing_as_of_the_same_moment_and_confirm_as_of_a_later_one(directory):
    service_id = await _service(directory)
    path, pool = f"/v1/services/{service_id}/capacity", pool_body()
    body = {"as_of": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "pools": [pool]}
    versions = [(await directory.put(path, sent)).json()["version"] for sent in (body, body, {"pools": [pool]})]
    assert versions == [1, 1, 2]
    assert [event.version for event in (await directory.outbox(service_id))[1:]] == [1, 2]


async def test_a_pool_that_is_left_out_is_gone_and_may_come_back(directory):
    service_id = await _service(directory)
    first, second = pool_body(), pool_body(kind="seats")
    await directory.a_declaration(service_id, first, second)
    assert [pool["id"] for pool in (await directory.a_declaration(service_id, second))["pools"]] == [second["id"]]
    assert len((await directory.a_declaration(service_id, first, second))["pools"]) == 2
    events = (await directory.outbox(service_id))[1:]
    assert [len(event.pools) for event in events] == [2, 1, 2]


async def test_a_pool_id_belongs_to_its_first_service_for_ever(directory):
    pool = pool_body()
    owner, other = await _service(directory), await _service(directory)
    await directory.a_declaration(owner, pool)
    empty = await directory.put(f"/v1/services/{owner}/capacity", {"pools": []})
    assert empty.json()["pools"] == []
    refused = await directory.put(f"/v1/services/{other}/capacity", {"pools": [pool_body(), pool]})
    assert (refused.status_code, refused.json()["code"]) == (409, "pool-id-taken")
    assert refused.json()["errors"][0]["pointer"] == "/pools/1/id"


async def test_every_declaration_is_kept(directory):
    service_id = await _service(directory)
    for free in (4, 3, 0):
        await directory.a_declaration(service_id, pool_body(available=free))
    rows = await directory.fetch(
        "SELECT version, declared_by, pools::text FROM capacity_declaration WHERE service_id = $1 ORDER BY version",
        service_id,
    )
    assert [row["version"] for row in rows] == [1, 2, 3]
    assert {row["declared_by"] for row in rows} == {"test-client"}
    assert '"available": 0' in rows[2]["pools"]


async def test_a_condition_on_the_version_is_kept_when_it_is_sent(directory):
    service_id = await _service(directory)
    await directory.a_declaration(service_id)
    path = f"/v1/services/{service_id}/capacity"
    assert (await directory.put(path, {"pools": []}, headers={"If-Match": '"9"'})).status_code == 412
    assert (await directory.put(path, {"pools": []}, headers={"If-Match": '"1"'})).status_code == 200


async def test_a_withdrawn_service_declares_nothing(directory):
    service_id = await _service(directory)
    await directory.post(f"/v1/services/{service_id}/withdraw")
    refused = await directory.put(f"/v1/services/{service_id}/capacity", {"pools": []})
    assert (refused.status_code, refused.json()["code"]) == (409, "step-not-allowed")


async def test_declarations_at_once_are_put_in_one_order(directory):
    service_id = await _service(directory)
    pool = pool_body()
    await asyncio.gather(
        *(directory.a_declaration(service_id, pool | {"available": free}) for free in range(6)),
    )
    events = (await directory.outbox(service_id))[1:]
    assert [event.version for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.as_of for event in events] == sorted(event.as_of for event in events)
    shown = (await directory.get(f"/v1/services/{service_id}/capacity")).json()
    assert shown["pools"][0]["available"] == events[-1].pools[0].available


async def test_an_organization_declares_its_own_capacity_with_the_scope_for_it(directory):
    organization_id = await directory.an_organization()
    path = f"/v1/services/{await directory.a_service(organization_id)}/capacity"
    own = {"scopes": OWNER, "of": organization_id}
    assert (await directory.put(path, {"pools": [pool_body()]}, **own)).status_code == 201
    refused = await directory.put(path, {"pools": []}, scopes=READER, of=organization_id)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")


async def test_a_newcomer_is_trusted(directory):
    view = await directory.a_declaration(await _service(directory))
    assert (view["trust"], view["refresh_requested_at"]) == (1.0, None)


async def test_a_declaration_says_whether_it_leaves_out_who_is_still_to_come(directory):
    """Published and shown as said; saying it otherwise as of the same moment is a declaration of its own."""
    service_id = await _service(directory)
    path = f"/v1/services/{service_id}/capacity"
    body = {"as_of": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "pools": [pool_body()]}
    views = [
        (await directory.put(path, body | more)).json()
        for more in ({}, {"accepted_left_out": True}, {"accepted_left_out": True}, {})
    ]
    assert [(view["version"], view["accepted_left_out"]) for view in views] == [
        (1, False), (2, True), (2, True), (3, False),
    ]  # fmt: skip
    assert [event.accepted_left_out for event in (await directory.outbox(service_id))[1:]] == [False, True, False]
    refused = await directory.put(path, body | {"accepted_left_out": "yes"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/accepted_left_out")
