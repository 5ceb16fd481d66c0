"""Who may see and change what: another's row and what is restricted do not exist."""

from uuid import uuid4

import pytest

from tests.service.provider_directory.making import (
    OWNER,
    READER,
    STEWARD,
    location_body,
    organization_body,
    pool_body,
    service_body,
)

ANY_VERSION = {"If-Match": "*"}
NOBODY_WHO_SEES_RESTRICTED = STEWARD.replace(" restricted:read", "")


@pytest.fixture
async def listed(directory):
    """One organisation with a service, a location and capacity."""
    organization_id = await directory.an_organization()
    location_id = await directory.a_location(organization_id)
    service_id = await directory.a_service(organization_id, location_id=str(location_id))
    await directory.a_declaration(service_id)
    return {"organization": organization_id, "service": service_id, "location": location_id}


def _writes(ids):
    organization, service, location = ids["organization"], ids["service"], ids["location"]
    return [
        ("PUT", f"/v1/organizations/{organization}", organization_body()),
        ("PUT", f"/v1/services/{service}", service_body(organization)),
        ("PUT", f"/v1/locations/{location}", location_body(organization)),
        ("PUT", f"/v1/services/{service}/capacity", {"pools": [pool_body()]}),
        ("POST", f"/v1/services/{service}/suspend", None),
        ("POST", f"/v1/services/{service}/resume", None),
        ("POST", f"/v1/services/{service}/withdraw", None),
    ]


async def test_another_organizations_client_changes_nothing_and_learns_nothing(directory, listed):
    stranger = await directory.an_organization()
    unknown = {name: uuid4() for name in listed}
    before = await directory.fetch("SELECT count(*) FROM outbox")
    for of in (stranger, None):
        for real, made_up in zip(_writes(listed), _writes(unknown), strict=True):
            caller = {"scopes": OWNER, "of": of, "headers": ANY_VERSION}
            answers = [
                await directory.call(method, path, json=body, **caller) for method, path, body in (real, made_up)
            ]
            assert [answer.status_code for answer in answers] == [404, 404], real
            assert _told(answers[0]) == _told(answers[1])
    assert await directory.fetch("SELECT count(*) FROM outbox") == before


async def test_nobody_takes_anothers_row_by_naming_his_own_organization(directory, listed):
    stranger = await directory.an_organization()
    own = {"scopes": OWNER, "of": stranger, "headers": ANY_VERSION}
    service = await directory.put(f"/v1/services/{listed['service']}", service_body(stranger), **own)
    location = await directory.put(f"/v1/locations/{listed['location']}", location_body(stranger), **own)
    assert (service.status_code, location.status_code) == (404, 404)
    borrowed = service_body(stranger, location_id=str(listed["location"]), place=None)
    refused = await directory.put(f"/v1/services/{uuid4()}", borrowed, scopes=OWNER, of=stranger)
    assert refused.json()["errors"][0]["rule"] == "unknown-location"


async def test_an_organizations_own_client_may_do_all_of_it(directory, listed):
    statuses = [
        (await directory.call(method, path, json=body, scopes=OWNER, of=listed["organization"], headers=ANY_VERSION))
        .status_code
        for method, path, body in _writes(listed)
    ]  # fmt: skip
    assert statuses == [200] * len(statuses)


async def test_an_organization_may_register_itself_and_nobody_else(directory):
    own, other = uuid4(), uuid4()
    statuses = [
        (await directory.put(f"/v1/organizations/{id_}", organization_body(), scopes=OWNER, of=own)).status_code
        for id_ in (own, other)
    ]
    assert statuses == [201, 404]


async def test_without_the_scope_a_restricted_service_does_not_exist(directory):
    organization_id = await directory.an_organization()
    await directory.a_service(organization_id, name="Orientación", category="legal", service_type="legal_advice")
    location_id = await directory.a_location(organization_id)
    for changes in ({"restricted": True}, {"category": "gbv"}, {"category": "anti_trafficking"}):
        hidden = await directory.a_service(organization_id, name="Oculta", location_id=str(location_id), **changes)
        await directory.a_declaration(hidden)
        ids = {"organization": organization_id, "service": hidden, "location": location_id}
        for scopes, of in ((OWNER, organization_id), (NOBODY_WHO_SEES_RESTRICTED, None)):
            caller = {"scopes": scopes, "of": of, "headers": ANY_VERSION}
            for method, path, body in _writes(ids)[1:]:
                answer = await directory.call(method, path, json=body, **caller)
                assert answer.status_code == 404, (method, path)
            for path in (f"/v1/services/{hidden}", f"/v1/services/{hidden}/capacity", f"/v1/locations/{location_id}"):
                assert (await directory.get(path, **caller)).status_code == 404, path


async def test_without_the_scope_no_list_and_no_count_shows_a_restricted_service(directory):
    organization_id = await directory.an_organization()
    await directory.a_service(organization_id, name="Abierta")
    for number in range(3):
        await directory.a_service(organization_id, name=f"Oculta {number}", category="gbv")
    for scopes, shown in ((READER, 1), (f"{READER} restricted:read", 4)):
        listed = (await directory.get("/v1/services", scopes=scopes, params={"limit": shown})).json()
        found = await directory.post("/v1/services/search", {}, scopes=scopes, params={"limit": shown})
        for page in (listed, found.json()):
            assert (len(page["items"]), page["next"]) == (shown, None)
    narrowed = await directory.get("/v1/services", scopes=READER, params={"category": "gbv"})
    assert narrowed.json() == {"items": [], "next": None}
    assert await directory.search(category="gbv") == []
    assert await directory.search(text="oculta") == []


async def test_the_list_of_locations_is_paged_and_shows_what_may_be_seen(directory):
    """Seen to fail without the condition about restricted services, and without that about hidden addresses."""
    open_one, closed = await directory.an_organization(), await directory.an_organization()
    point = {"latitude": 14.6, "longitude": -90.5}
    shown = [
        await directory.a_location(open_one, name=f"Sede {nth}", address_hidden=nth == 1, **point) for nth in range(3)
    ]
    hidden = await directory.a_location(open_one, name="Oculta")
    await directory.a_service(open_one, name="Abierta", location_id=str(shown[0]))
    await directory.a_service(open_one, name="Oculta", category="gbv", location_id=str(hidden))
    of_closed = await directory.a_location(closed)
    await directory.a_service(closed, category="gbv")

    async def listed(scopes, **params):
        found, params = [], {"limit": 2, **params}
        while True:
            page = (await directory.get("/v1/locations", scopes=scopes, params=params)).json()
            found += page["items"]
            if page["next"] is None:
                return found
            params["after"] = page["next"]

    rows = await listed(READER)
    assert [row["id"] for row in rows] == sorted(str(one) for one in shown)
    for name in ("address", "latitude", "longitude"):
        assert [row[name] is None for row in rows] == [row["name"] == "Sede 1" for row in rows], name
    everything = await listed(f"{READER} restricted:read")
    assert {row["id"] for row in everything} == {str(one) for one in (*shown, hidden, of_closed)}
    assert all(row["address"] for row in everything)
    assert [row["id"] for row in await listed(f"{READER} restricted:read", organization_id=str(closed))] == [
        str(of_closed)
    ]


async def test_every_operation_wants_a_token_with_its_scope(directory):
    document = (await directory.client.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        names = ("organization_id", "service_id", "location_id", "certificate_id")
        where = path.format(category="shelter", **{name: uuid4() for name in names})
        for method in operations:
            without = await directory.client.request(method, where, json={})
            assert without.status_code == 401, (method, path)
            assert without.headers["www-authenticate"].startswith("Bearer")
            answer = await directory.call(method.upper(), where, scopes="offers:read", json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope"), (method, path)


def _told(answer):
    return {name: value for name, value in answer.json().items() if name != "trace_id"}
