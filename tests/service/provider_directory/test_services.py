import asyncio
from uuid import uuid4

import pytest

from tests.service.provider_directory.making import OWNER, READER, STEWARD, location_body, service_body

MORNINGS = [{"weekday": 1, "opens_minute": 480, "closes_minute": 720}]
ELIGIBILITY = {
    "minimum_age": 18,
    "maximum_age": 59,
    "sexes": ["male", "female"],
    "nationalities": ["HN", "GT"],
    "households": False,
    "unaccompanied_children": False,
    "documents_required": ["passport"],
}


async def test_a_service_is_published_whole_and_as_the_api_shows_it(directory):
    organization_id = await directory.an_organization()
    service_id = await directory.a_service(
        organization_id,
        eligibility=ELIGIBILITY,
        catchment=["GT13", "GT"],
        languages=["spa", "mam"],
        access=["wheelchair"],
        openings=MORNINGS,
        on_site_at="GT01",
        accepts_automatically=True,
        max_stay_hours=72,
    )
    view = (await directory.get(f"/v1/services/{service_id}")).json()
    [event] = await directory.outbox(service_id)
    assert event.model_dump(mode="json") == view["published"]
    assert view["published"] | {"eligibility": None} == {
        "provider_service_id": str(service_id),
        "organization_id": str(organization_id),
        "version": 1,
        "status": "active",
        "category": "shelter",
        "kinds": [],
        "service_type": "temporary_shelter",
        "restricted": False,
        "place": "GT01",
        "on_site_at": "GT01",
        "catchment": ["GT", "GT13"],
        "eligibility": None,
        "languages": ["mam", "spa"],
        "language_must_match": False,
        "access": ["wheelchair"],
        "openings": MORNINGS,
        "timezone": "America/Guatemala",
        "accepts_automatically": True,
        "max_stay_hours": 72,
    }
    assert (event.eligibility.nationalities, event.eligibility.sexes) == (["GT", "HN"], ["female", "male"])


async def test_an_event_never_carries_name_description_or_address(directory):
    organization_id = await directory.an_organization()
    address = {"address_1": "Calle Marcada 7", "city": "Ciudad Marcada", "country": "GT"}
    await directory.a_service(organization_id, name="Marcada", description="Marcada", address=address)
    for row in await directory.fetch("SELECT payload FROM outbox"):
        assert b"Marcada" not in row["payload"]


async def test_the_version_rises_with_every_change_and_only_then(directory):
    organization_id = await directory.an_organization()
    service_id = await directory.a_service(organization_id, languages=["spa", "mam"])
    path = f"/v1/services/{service_id}"
    same = service_body(organization_id, languages=["mam", "spa", "mam"])
    other = service_body(organization_id, languages=["mam"])
    assert (await directory.put(path, same, headers={"If-Match": '"1"'})).headers["etag"] == '"1"'
    assert (await directory.put(path, other, headers={"If-Match": '"1"'})).headers["etag"] == '"2"'
    assert (await directory.put(path, same, headers={"If-Match": '"1"'})).status_code == 412
    assert (await directory.put(path, same)).status_code == 428
    assert (await directory.put(path, same, headers={"If-Match": '"2"'})).headers["etag"] == '"3"'
    events = await directory.outbox(service_id)
    assert [(event.version, event.languages) for event in events] == [
        (1, ["mam", "spa"]),
        (2, ["mam"]),
        (3, ["mam", "spa"]),
    ]


async def test_what_a_service_leaves_out_comes_from_its_location(directory):
    organization_id = await directory.an_organization()
    location_id = await directory.a_location(
        organization_id, place="GT09", on_site_at="GT12", access=["hearing"], openings=MORNINGS
    )
    service_id = await directory.a_service(organization_id, location_id=str(location_id), place=None, timezone=None)
    published = (await directory.get(f"/v1/services/{service_id}")).json()["published"]
    assert published["place"] == "GT09"
    assert published["timezone"] == "America/Guatemala"
    assert published["on_site_at"] == "GT12"
    assert published["access"] == ["hearing"]
    assert published["openings"] == MORNINGS


async def test_a_changed_location_publishes_the_services_that_change_with_it(directory):
    organization_id = await directory.an_organization()
    location_id = await directory.a_location(organization_id)
    at = {"location_id": str(location_id), "place": None}
    follows = await directory.a_service(organization_id, **at)
    has_its_own = await directory.a_service(organization_id, **{**at, "place": "GT01"})
    path = f"/v1/locations/{location_id}"
    moved = await directory.put(path, location_body(organization_id, place="GT12"), headers={"If-Match": '"1"'})
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    assert [(event.version, event.place) for event in await directory.outbox(follows)] == [(1, "GT01"), (2, "GT12")]
    assert [event.version for event in await directory.outbox(has_its_own)] == [1]
    view = (await directory.get(f"/v1/services/{follows}")).json()
    assert (view["version"], view["published"]["version"]) == (2, 2)


async def test_a_location_whose_address_alone_changes_publishes_nothing(directory):
    organization_id = await directory.an_organization()
    location_id = await directory.a_location(organization_id)
    service_id = await directory.a_service(organization_id, location_id=str(location_id), place=None)
    body = location_body(organization_id, address=None, latitude=14.6, longitude=-90.5)
    answer = await directory.put(f"/v1/locations/{location_id}", body, headers={"If-Match": "*"})
    assert (answer.json()["version"], answer.json()["address"]) == (2, None)
    assert [event.version for event in await directory.outbox(service_id)] == [1]
    again = await directory.put(f"/v1/locations/{location_id}", body, headers={"If-Match": "*"})
    assert again.json()["version"] == 2


async def test_suspend_resume_and_withdraw_publish_each_time(directory):
    service_id = await directory.a_service(await directory.an_organization())
    path = f"/v1/services/{service_id}"
    for step, status in (("suspend", "suspended"), ("resume", "active"), ("withdraw", "withdrawn")):
        answer = await directory.post(f"{path}/{step}")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    statuses = [(event.version, event.status) for event in await directory.outbox(service_id)]
    assert statuses == [(1, "active"), (2, "suspended"), (3, "active"), (4, "withdrawn")]


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ([], "resume"),
        (["suspend"], "suspend"),
        (["withdraw"], "suspend"),
        (["withdraw"], "resume"),
        (["withdraw"], "withdraw"),
    ],
)
async def test_a_step_that_the_status_does_not_allow_is_refused(directory, before, step):
    service_id = await directory.a_service(await directory.an_organization())
    for earlier in before:
        assert (await directory.post(f"/v1/services/{service_id}/{earlier}")).status_code == 200
    refused = await directory.post(f"/v1/services/{service_id}/{step}")
    assert (refused.status_code, refused.json()["code"], refused.json()["step"]) == (409, "step-not-allowed", step)
    assert len(await directory.outbox(service_id)) == 1 + len(before)


async def test_a_step_repeated_under_its_key_is_done_once(directory):
    service_id = await directory.a_service(await directory.an_organization())
    key = {"Idempotency-Key": str(uuid4())}
    first = await directory.post(f"/v1/services/{service_id}/suspend", headers=key)
    again = await directory.post(f"/v1/services/{service_id}/suspend", headers=key)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await directory.outbox(service_id)) == 2


async def test_a_step_may_name_the_version_that_it_is_meant_for(directory):
    service_id = await directory.a_service(await directory.an_organization())
    refused = await directory.post(f"/v1/services/{service_id}/suspend", headers={"If-Match": '"5"'})
    assert refused.status_code == 412


async def test_a_replacement_may_change_the_status_by_a_step_that_is_allowed(directory):
    organization_id = await directory.an_organization()
    service_id = await directory.a_service(organization_id)
    path, any_version = f"/v1/services/{service_id}", {"If-Match": "*"}
    suspended = await directory.put(path, service_body(organization_id, status="suspended"), headers=any_version)
    kept = await directory.put(path, service_body(organization_id), headers=any_version)
    assert [answer.json()["status"] for answer in (suspended, kept)] == ["suspended", "suspended"]
    await directory.post(f"{path}/withdraw")
    refused = await directory.put(path, service_body(organization_id, status="active"), headers=any_version)
    assert (refused.status_code, refused.json()["code"]) == (409, "step-not-allowed")


async def test_a_service_stays_with_its_organization(directory):
    first, second = await directory.an_organization(), await directory.an_organization()
    service_id = await directory.a_service(first)
    refused = await directory.put(f"/v1/services/{service_id}", service_body(second), headers={"If-Match": "*"})
    assert refused.json()["errors"][0] | {"detail": ""} == {
        "pointer": "/organization_id", "rule": "organization-fixed", "detail": "",
    }  # fmt: skip


async def test_a_location_of_another_organization_is_unknown(directory):
    first, second = await directory.an_organization(), await directory.an_organization()
    for location_id in (await directory.a_location(second), uuid4()):
        refused = await directory.put(
            f"/v1/services/{uuid4()}", service_body(first, location_id=str(location_id), place=None)
        )
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["rule"] == "unknown-location"


async def test_a_service_of_an_unknown_organization_is_refused_with_the_field(directory):
    refused = await directory.put(f"/v1/services/{uuid4()}", service_body(uuid4()))
    assert refused.json()["errors"][0]["pointer"] == "/organization_id"
    assert refused.json()["errors"][0]["rule"] == "unknown-organization"


async def test_an_organization_may_not_license_itself_for_unaccompanied_children(directory):
    organization_id = await directory.an_organization()
    body = service_body(organization_id, eligibility={"unaccompanied_children": True})
    path, own = f"/v1/services/{uuid4()}", {"scopes": OWNER, "of": organization_id}
    refused = await directory.put(path, body, **own)
    assert refused.json()["errors"][0]["pointer"] == "/eligibility/unaccompanied_children"
    licence = f"/v1/organizations/{organization_id}/accreditations/child_protection"
    await directory.put(licence, {"valid_until": "2020-12-31"})
    assert (await directory.put(path, body, **own)).status_code == 422
    await directory.put(licence, {"valid_until": "2099-12-31"})
    assert (await directory.put(path, body, **own)).status_code == 201


async def test_a_hidden_address_is_shown_to_its_own_writers_and_to_the_scope_alone(directory):
    organization_id = await directory.an_organization()
    hidden = {"address_hidden": True}
    point = {"latitude": 14.61, "longitude": -90.52}
    location_id = await directory.a_location(organization_id, **hidden, **point)
    address = location_body(organization_id)["address"]
    service_id = await directory.a_service(organization_id, **hidden, address=address)
    for path in (f"/v1/locations/{location_id}", f"/v1/services/{service_id}"):
        assert "Calle Ejemplo" in (await directory.get(path, scopes="directory:read restricted:read")).text
        assert "Calle Ejemplo" in (await directory.get(path, scopes=OWNER, of=organization_id)).text
        for scopes, of in ((READER, organization_id), (OWNER, uuid4()), (READER, None), (OWNER, None)):
            answer = await directory.get(path, scopes=scopes, of=of)
            assert answer.json()["address"] is None
            assert "Calle" not in answer.text
            assert "14.61" not in answer.text
    listed = await directory.get("/v1/services", scopes=READER)
    found = await directory.post("/v1/services/search", {}, scopes=READER)
    assert "Calle" not in listed.text + found.text


async def test_two_who_create_one_service_at_once_make_one(directory):
    organization_id, service_id = await directory.an_organization(), uuid4()
    answers = await asyncio.gather(
        *(directory.put(f"/v1/services/{service_id}", service_body(organization_id)) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 428, 428, 428]
    assert len(await directory.outbox(service_id)) == 1


async def test_many_changes_at_once_leave_the_outbox_in_the_order_of_versions(directory):
    organization_id = await directory.an_organization()
    location_id = await directory.a_location(organization_id)
    service_id = await directory.a_service(organization_id, location_id=str(location_id), place=None)
    service, location, any_version = f"/v1/services/{service_id}", f"/v1/locations/{location_id}", {"If-Match": "*"}
    for number in range(4):
        await asyncio.gather(
            directory.put(location, location_body(organization_id, place=f"GT1{number + 1}"), headers=any_version),
            directory.post(f"{service}/{'resume' if number % 2 else 'suspend'}"),
            directory.put(
                service,
                service_body(organization_id, location_id=str(location_id), place=None, max_stay_hours=number + 1),
                headers=any_version,
            ),
        )
    events = await directory.outbox(service_id)
    assert [event.version for event in events] == list(range(1, len(events) + 1))
    assert events[-1].model_dump(mode="json") == (await directory.get(service)).json()["published"]


async def test_the_list_may_be_narrowed_and_paged(directory):
    first, second = await directory.an_organization(), await directory.an_organization()
    for name in ("Uno", "Dos", "Tres"):
        await directory.a_service(first, name=name)
    await directory.a_service(second, name="Cuatro", category="health", service_type="clinic")

    async def names(**params):
        answer = await directory.get("/v1/services", scopes=READER, params=params)
        return [item["name"] for item in answer.json()["items"]]

    assert await names(organization_id=str(first)) == ["Dos", "Tres", "Uno"]
    assert await names(category="health") == ["Cuatro"]
    page = (await directory.get("/v1/services", params={"limit": 3})).json()
    rest = (await directory.get("/v1/services", params={"limit": 3, "after": page["next"]})).json()
    assert [item["name"] for item in page["items"] + rest["items"]] == ["Cuatro", "Dos", "Tres", "Uno"]
    assert rest["next"] is None


async def test_a_restricted_service_can_be_written_only_with_the_scope_to_read_it(directory):
    organization_id = await directory.an_organization()
    blind = STEWARD.replace(" restricted:read", "")
    for restricted in ({"restricted": True}, {"category": "gbv"}):
        refused = await directory.put(
            f"/v1/services/{uuid4()}", service_body(organization_id, **restricted), scopes=blind
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "restricted-scope-missing")
    view = await directory.put(f"/v1/services/{uuid4()}", service_body(organization_id, category="gbv"))
    assert view.json()["restricted"] is True
    assert view.json()["published"]["restricted"] is True
