"""A category that the pack adds in its taxonomy alone: services, licences and searches of it work."""

from uuid import uuid4

import pytest

from tests.added_category import ADDED, ADDED_KIND, pack_with_childcare
from tests.service.provider_directory.making import service_body

NURSERY = {"category": ADDED, "service_type": "nursery", "kinds": [{"kind": ADDED_KIND}]}


@pytest.fixture
def pack_directory(tmp_path):
    return pack_with_childcare(tmp_path)


async def test_a_service_of_it_is_stored_published_and_found(directory):
    organization_id = await directory.an_organization(name="Guardería de Ejemplo")
    own = directory.issuer.headers("directory:read directory:write", organization_id=organization_id)
    address = f"/v1/services/{uuid4()}"
    put = await directory.client.put(address, json=service_body(organization_id, **NURSERY), headers=own)
    assert (put.status_code, put.json()["published"]["category"]) == (201, ADDED)
    assert put.json()["published"]["restricted"] is False
    for kind in ("accreditations", "agreements"):
        given = await directory.put(
            f"/v1/organizations/{organization_id}/{kind}/{ADDED}", {"valid_until": "2030-12-31"}
        )
        assert given.json()[kind] == [{"category": ADDED, "valid_until": "2030-12-31"}]
    found = await directory.post("/v1/services/search", {"category": ADDED})
    assert [one["service"]["category"] for one in found.json()["items"]] == [ADDED]
    listed = await directory.get(f"/v1/services?category={ADDED}")
    assert [one["category"] for one in listed.json()["items"]] == [ADDED]


async def test_a_licence_for_a_category_that_the_pack_lacks_is_refused(directory):
    """Taken out: `category_faults` in `put_validity`."""
    organization_id = await directory.an_organization()
    for kind in ("accreditations", "agreements"):
        answer = await directory.put(f"/v1/organizations/{organization_id}/{kind}/play", {"valid_until": "2030-12-31"})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"], error["rule"]) == (422, "category", "unknown-category")
    stored = await directory.get(f"/v1/organizations/{organization_id}")
    assert (stored.json()["accreditations"], stored.json()["version"]) == ([], 1)


async def test_only_a_category_that_is_marked_licenses_an_organisation_for_children(directory):
    """Taken out: the condition `child_licence` in `_require_licence`."""
    organization_id = await directory.an_organization()
    own = directory.issuer.headers("directory:read directory:write", organization_id=organization_id)
    body = service_body(organization_id, **NURSERY, eligibility={"unaccompanied_children": True})
    for category, status in ((ADDED, 422), ("child_protection", 201)):
        address = f"/v1/organizations/{organization_id}/accreditations/{category}"
        assert (await directory.put(address, {"valid_until": "2030-12-31"})).status_code == 201
        put = await directory.client.put(f"/v1/services/{uuid4()}", json=body, headers=own)
        assert put.status_code == status
        assert status == 201 or "child_protection" in put.json()["errors"][0]["detail"]
